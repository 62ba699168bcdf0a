"""Takes the measurements: reads everything once, and afterwards only what a listing shows to be new."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.objectives import READ_WITHIN
from signal_backups.core.cost.billing import bill
from signal_backups.core.cost.inventory import inventory_of, list_everything
from signal_backups.core.cost.quota import quota_of
from signal_backups.core.monitoring.last_reads import last_reads, oldest_read
from signal_backups.core.monitoring.metrics.event_counts import TrailReader
from signal_backups.core.monitoring.metrics.lock_states import LockStates
from signal_backups.core.monitoring.metrics.measurements import Measurements, StorageUse
from signal_backups.core.monitoring.observation import observe
from signal_backups.core.retention.profile import Profile
from signal_backups.core.s3.prices import Prices
from signal_backups.core.vault.caching_vault import CachingVault
from signal_backups.core.vault.vault import BackupVault

#: How often the whole vault is listed, for bytes and cost.
STORAGE_INTERVAL = timedelta(hours=1)


@dataclass(frozen=True)
class Criteria:
    """What the vault is measured against.

    Attributes:
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        profile: the retention profile, for locks and retention.
        prices: the price list, for the cost.
        quota_gb: the storage quota, GB of 2^30 bytes; None: no quota.
        read_within: the time within which every verified day is to be read back.
    """

    start: date | None
    profile: Profile
    prices: Prices
    quota_gb: float | None = None
    read_within: timedelta = READ_WITHIN


class Measurer:
    """Measures one vault repeatedly.

    It caches only versions of objects, which never change, so that a new process gets the same values.
    """

    def __init__(self, vault: BackupVault, criteria: Criteria, clock: Clock = utc_now) -> None:
        self._vault = CachingVault(vault)
        self._criteria = criteria
        self._clock = clock
        self._trail = TrailReader(vault.trail.log)
        self._locks = LockStates(vault.store, criteria.profile.lock_policy)
        self._storage: StorageUse | None = None
        #: How far our clock is ahead of the store's, to a second or two; None if the store sends no time. Known even
        #: when it is so far off that the store refuses all other requests.
        self.clock_skew_seconds: float | None = None

    def measure(self) -> Measurements:
        """Take all measurements.

        Raises:
            StoreError: the store cannot be reached or refuses a request.
        """
        started, now = time.perf_counter(), self._clock()
        store_time = self._vault.store.server_time()
        self.clock_skew_seconds = (self._clock() - store_time).total_seconds() if store_time else None
        observation = observe(
            self._vault, self._criteria.start, self._clock, retention_years=self._criteria.profile.retention_years
        )
        manifests = observation.manifests
        trail = self._trail.read()
        oldest = oldest_read(last_reads(observation, trail.read_at))
        storage = self._current_storage(now)
        current = [stored.current for stored in observation.stored.values()]
        unlocked = self._locks.unlocked([version for version in current if version is not None], now)
        return Measurements(
            at=now,
            seconds=time.perf_counter() - started,
            observation=observation,
            first_backup_at=manifests[0].finished_at if manifests else None,
            quarantined_rows=sum(manifest.quarantined for manifest in manifests),
            trail=trail,
            storage=storage,
            unlocked=unlocked,
            oldest_read_at=oldest.at if oldest else None,
            read_within=self._criteria.read_within,
        )

    def _current_storage(self, now: datetime) -> StorageUse:
        if self._storage is None or now - self._storage.at >= STORAGE_INTERVAL:
            inventory = inventory_of(list_everything(self._vault.store, self._vault.layout))
            quota_gb = self._criteria.quota_gb
            quota = quota_of(inventory.bytes, quota_gb) if quota_gb else None
            self._storage = StorageUse(now, bill(inventory, self._criteria.prices), quota)
        return self._storage
