"""Measuring: everything is read once, afterwards only what a listing shows to be new."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.cost.billing import bill
from signal_backups.core.cost.inventory import inventory_of, list_everything
from signal_backups.core.cost.quota import quota_of
from signal_backups.core.monitoring.metrics.event_counts import TrailReader
from signal_backups.core.monitoring.metrics.lock_states import LocksSeen
from signal_backups.core.monitoring.metrics.measurements import Measurements, Stock
from signal_backups.core.monitoring.observation import observe
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.prices import Prices
from signal_backups.core.vault.caching_vault import CachingVault
from signal_backups.core.vault.vault import BackupVault

#: How often all that is stored is listed, for bytes and cost.
STOCK_INTERVAL = timedelta(hours=1)


@dataclass(frozen=True)
class Criteria:
    """What is measured against.

    Attributes:
        start: the first day that should be there; None: the oldest that ever had a backup.
        profile: for locks and the retention.
        prices: for the bill.
        quota_gb: the storage quota, GB of 2^30 bytes; None: there is none.
    """

    start: date | None
    profile: Profile
    prices: Prices
    quota_gb: float | None = None


class Measuring:
    """Measures one vault, again and again.

    What it remembers are versions of objects, which never change: another process comes to the same figures.
    """

    def __init__(self, vault: BackupVault, terms: Criteria, clock: Clock = utc_now) -> None:
        self._vault = CachingVault(vault)
        self._terms = terms
        self._clock = clock
        self._trail = TrailReader(vault.trail.log)
        self._locks = LocksSeen(vault.store, terms.profile.lock_policy)
        self._stock: Stock | None = None
        #: How far our clock is ahead of the store's, to a second or two; None: it does not tell. Known, too, when it is
        #: so far off that the store refuses everything else.
        self.clock_skew_seconds: float | None = None

    def measure(self) -> Measurements:
        """Look at everything.

        Raises:
            StoreError: the store cannot be reached or refuses.
        """
        started, now = time.perf_counter(), self._clock()
        store_time = self._vault.store.server_time()
        self.clock_skew_seconds = (self._clock() - store_time).total_seconds() if store_time else None
        observation = observe(
            self._vault, self._terms.start, self._clock, retention_years=self._terms.profile.retention_years
        )
        manifests = self._vault.read_manifests([version for _, version in sorted(observation.manifests.items())])
        trail = self._trail.read()
        stock = self._current_stock(now)
        unlocked = self._locks.unlocked(list(observation.backups.values()), now)
        return Measurements(
            at=now,
            seconds=time.perf_counter() - started,
            observation=observation,
            first_backup_at=manifests[0].finished_at if manifests else None,
            quarantined_rows=sum(manifest.quarantined for manifest in manifests),
            trail=trail,
            stock=stock,
            unlocked=unlocked,
        )

    def _current_stock(self, now: datetime) -> Stock:
        if self._stock is None or now - self._stock.at >= STOCK_INTERVAL:
            inventory = inventory_of(list_everything(self._vault.store, self._vault.layout))
            quota_gb = self._terms.quota_gb
            quota = quota_of(inventory.bytes, quota_gb) if quota_gb else None
            self._stock = Stock(now, bill(inventory, self._terms.prices), quota)
        return self._stock
