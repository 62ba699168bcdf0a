"""What the backups will cost: seven years from the measured daily growth, for one lifecycle configuration.

Stock-based: every day adds a backup and its manifest, and all that are not destroyed are billed at their age. Backups
that are there already count as if they had always been under that configuration, so that several can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median

from pydantic import BaseModel, ConfigDict, computed_field

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.cost.billing import early_leave_days, move_usd, put_usd, usd_per_month
from signal_backups.core.cost.inventory import Listing
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.lifecycle_timeline import Timeline, rules_for
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.prices import DAYS_PER_MONTH, Prices
from signal_backups.core.vault.layout import BackupSlot, Layout

#: Growth is the median of so many of the newest backups; of fewer than the lower number it is a guess.
MOST_DAYS_MEASURED, FEWEST_DAYS_MEASURED = 90, 30
MONTHS_PER_YEAR = 12


class DailyGrowth(BaseModel):
    """What a day adds: median bytes of the newest backups and manifests, and how many backups there are."""

    model_config = ConfigDict(frozen=True)

    backup_bytes: int
    manifest_bytes: int
    measured_days: int
    stored_days: int

    @property
    def bytes(self) -> int:
        """Bytes a day."""
        return self.backup_bytes + self.manifest_bytes

    @property
    def statement(self) -> str | None:
        """What a reader must know of the measure; None when it is sound."""
        if self.measured_days >= FEWEST_DAYS_MEASURED:
            return None
        return f"growth is measured on {self.measured_days} backups only, fewer than {FEWEST_DAYS_MEASURED}"


class MonthCost(BaseModel):
    """A twelfth of a year: dollars for storage and for requests, and the bytes stored at its end."""

    model_config = ConfigDict(frozen=True)

    month: int
    storage_usd: float
    requests_usd: float
    bytes: int

    @property
    def usd(self) -> float:
        """The whole month."""
        return self.storage_usd + self.requests_usd


class Forecast(BaseModel):
    """Month by month, from now on; month 1 is the first."""

    model_config = ConfigDict(frozen=True)

    name: str
    months: tuple[MonthCost, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total_usd(self) -> float:
        """All months."""
        return sum(month.usd for month in self.months)

    @property
    def years(self) -> list[float]:
        """Dollars a year."""
        costs = [month.usd for month in self.months]
        return [sum(costs[at : at + MONTHS_PER_YEAR]) for at in range(0, len(costs), MONTHS_PER_YEAR)]


def measured_growth(listing: Listing, layout: Layout) -> DailyGrowth | None:
    """The daily growth, from the newest current backups; None without any."""
    backups = _newest_sizes(listing["backups"], layout.slot_of)
    manifests = _newest_sizes(listing["manifests"], layout.slot_of_manifest)
    if not backups:
        return None
    return DailyGrowth(
        backup_bytes=_middle(backups),
        manifest_bytes=_middle(manifests),
        measured_days=min(len(backups), MOST_DAYS_MEASURED),
        stored_days=len(backups),
    )


def forecast(
    name: str,
    lifecycle: Lifecycle,
    growth: DailyGrowth,
    prices: Prices,
    *,
    layout: Layout,
    start: datetime,
    years: int,
    locked_until: datetime | None = None,
) -> Forecast:
    """The cost of every month from ``start`` (UTC) on.

    Args:
        name: whose configuration it is.
        lifecycle: the configuration.
        growth: what a day adds, and how many days there are already.
        prices: the prices.
        layout: the prefixes of the rules.
        start: the day the forecast begins with.
        years: how many.
        locked_until: end of the Object Lock of what is stored at ``start``; None for no lock.
    """
    slot, ends = BackupSlot(start.date() - ONE_DAY), _month_ends(years)
    horizon = growth.stored_days + ends[-1]
    objects = [(layout.backup_key(slot), growth.backup_bytes)]
    if growth.manifest_bytes:
        objects.append((layout.manifest_key(slot), growth.manifest_bytes))
    costs = [
        _by_age(size, rules_for(lifecycle, key, size).play(start, lock_until=locked_until), horizon, prices)
        for key, size in objects
    ]
    stock = _Stock(costs, growth.stored_days)
    begins = [0, *ends[:-1]]
    return Forecast(
        name=name,
        months=tuple(stock.month(number, *days) for number, days in enumerate(zip(begins, ends, strict=True), 1)),
    )


@dataclass(frozen=True)
class _AtAge:
    """What one object costs and holds on the day of its life with this number."""

    storage_usd: float = 0.0
    requests_usd: float = 0.0
    bytes: int = 0

    def __add__(self, other: _AtAge) -> _AtAge:
        return _AtAge(
            self.storage_usd + other.storage_usd, self.requests_usd + other.requests_usd, self.bytes + other.bytes
        )


class _Stock:
    """A stock with one set of objects of each age: what a day costs is the sum over all ages there are by then."""

    def __init__(self, costs: Sequence[Sequence[_AtAge]], stored_days: int) -> None:
        by_age = [sum(same_age, _AtAge()) for same_age in zip(*costs, strict=True)]
        self._up_to_age = list(accumulate(by_age))
        self._stored_days = stored_days

    def month(self, number: int, begin: int, end: int) -> MonthCost:
        days = [self._up_to_age[self._stored_days + day] for day in range(begin, end)]
        # Months of 30 and of 31 days cost the same here: otherwise a chart would show the calendar.
        whole_month = DAYS_PER_MONTH / len(days)
        return MonthCost(
            month=number,
            storage_usd=sum(day.storage_usd for day in days) * whole_month,
            requests_usd=sum(day.requests_usd for day in days) * whole_month,
            bytes=days[-1].bytes,
        )


def _by_age(size: int, timeline: Timeline, days: int, prices: Prices) -> list[_AtAge]:
    entries = [_AtAge() for _ in range(days)]
    begin, stays = 0, timeline.stays(timeline.stored_at + timedelta(days=days))
    for number, stay in enumerate(stays):
        end = min(days, begin + round(stay.days))
        daily = usd_per_month(size, stay.storage_class, prices) / DAYS_PER_MONTH
        entries[begin:end] = [_AtAge(daily, 0.0, size)] * (end - begin)
        request = move_usd(stay.storage_class, prices) if number else put_usd(prices)
        if begin < end:
            entries[begin] += _AtAge(0.0, request)
        if begin < end < days:
            entries[end - 1] += _AtAge(daily * early_leave_days(stay))
        begin = end
    return entries


def _month_ends(years: int) -> list[int]:
    return [round(DAYS_PER_MONTH * month) for month in range(1, years * MONTHS_PER_YEAR + 1)]


def _newest_sizes(versions: Sequence[ObjectVersion], slot_of: Callable[[str], BackupSlot | None]) -> list[int]:
    current = [version for version in versions if version.is_latest and not version.is_delete_marker]
    sizes = {slot: version.size for version in current if (slot := slot_of(version.key))}
    return [sizes[slot] for slot in sorted(sizes, reverse=True)]


def _middle(newest_first: Sequence[int]) -> int:
    return round(median(newest_first[:MOST_DAYS_MEASURED])) if newest_first else 0
