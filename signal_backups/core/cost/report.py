"""The cost report of a vault: what is stored, what S3 bills for it, forecasts by profile, and the quota."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from signal_backups.core.base.days import BACKUP_TIME, Clock, utc_now
from signal_backups.core.cost.billing import Bill, bill
from signal_backups.core.cost.forecast import DailyGrowth, Forecast, forecast, measured_growth
from signal_backups.core.cost.inventory import Inventory, inventory_of, list_everything
from signal_backups.core.cost.quota import Quota, QuotaState, quota_of
from signal_backups.core.retention.load_profile import load_profile, shipped_profiles
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.prices import Prices
from signal_backups.core.vault.vault import BackupVault

DEFAULT_YEARS = 7


class CostReport(BaseModel, frozen=True):
    """The cost of a vault.

    Attributes:
        at: when the vault was listed, UTC.
        inventory: what is stored.
        bill: what S3 bills for it.
        growth: what each day adds; None without backups, and then there are no forecasts.
        forecasts: one for each profile, in the given order.
        quota: None if no quota is set.
        prices: the prices that all figures use.
        statements: notes that a reader needs to understand the figures.
    """

    at: datetime
    inventory: Inventory
    bill: Bill
    growth: DailyGrowth | None
    forecasts: tuple[Forecast, ...]
    quota: Quota | None
    prices: Prices
    statements: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the quota is not exceeded."""
        return self.quota is None or self.quota.state is not QuotaState.OVER


def cost_report(
    vault: BackupVault,
    prices: Prices,
    profiles: Sequence[Profile],
    *,
    years: int = DEFAULT_YEARS,
    quota_gb: float | None = None,
    clock: Clock = utc_now,
) -> CostReport:
    """Compute the report from one listing, without reading an object.

    Args:
        vault: the vault of the backups.
        prices: the prices to use.
        profiles: the profiles to forecast.
        years: calendar years to forecast.
        quota_gb: quota in GB of 2^30 bytes; None for no quota.
        clock: returns the current time, UTC.
    """
    listing, at = list_everything(vault.store, vault.layout), clock()
    inventory, growth = inventory_of(listing), measured_growth(listing, vault.layout)
    return CostReport(
        at=at,
        inventory=inventory,
        bill=bill(inventory, prices),
        growth=growth,
        forecasts=tuple(_forecast(profile, growth, prices, vault, at, years) for profile in profiles) if growth else (),
        quota=quota_of(inventory.bytes, quota_gb, daily_bytes=growth.bytes if growth else None) if quota_gb else None,
        prices=prices,
        statements=tuple(_notes(vault, prices, growth)),
    )


def compared_profiles(own: str) -> list[Profile]:
    """The profile in use (by name or path), then the other shipped profiles.

    Raises:
        SettingsError: there is no such profile.
    """
    return [load_profile(name) for name in dict.fromkeys([own, *shipped_profiles()])]


def _forecast(
    profile: Profile, growth: DailyGrowth, prices: Prices, vault: BackupVault, at: datetime, years: int
) -> Forecast:
    start = datetime.combine(at.date(), BACKUP_TIME, tzinfo=at.tzinfo)
    lock = profile.lock_policy
    return forecast(
        profile.name,
        lifecycle_of(profile, vault.layout),
        growth,
        prices,
        layout=vault.layout,
        start=start,
        years=years,
        locked_until=lock.retain_until(start) if lock else None,
    )


def _notes(vault: BackupVault, prices: Prices, growth: DailyGrowth | None) -> list[str]:
    notes = [prices.statement, growth.note if growth else "no backups yet: nothing to forecast from"]
    if not vault.store.configuration.is_amazon:
        notes.append("this store is not Amazon S3: the figures are what S3 would bill")
    return [note for note in notes if note]
