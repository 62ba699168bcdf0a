"""The measurements as plain data: times in UTC, durations in seconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from signal_backups.core.cost.billing import Bill
from signal_backups.core.cost.quota import Quota
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.manifest import Manifest

#: Upper bounds in seconds of the histogram buckets of backup durations; one more bucket has no bound.
DURATION_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)


@dataclass(frozen=True)
class DrillHistory:
    """The restore drills in the audit trail; None if there was none.

    Attributes:
        last_at: when the last one ran.
        passed: whether the last one passed.
        last_passed_at: when the last one that passed ran.
        rto_seconds: the last forecast of how long restoring everything takes.
    """

    last_at: datetime | None = None
    passed: bool = False
    last_passed_at: datetime | None = None
    rto_seconds: float | None = None


@dataclass(frozen=True)
class TrailCounts:
    """Counts of the events in the audit trail, from its first event on.

    Attributes:
        verification_failures: failed verifications.
        upload_errors: failed uploads of a day's backup.
        failing_verification_days: days whose last verification failed.
        failing_backup_days: days whose last backup failed.
        durations: number of stored backups in each bucket of ``DURATION_BOUNDS``.
        duration_sum: the sum of their durations.
        drills: the restore drills.
        read_at: when each day was last read back and judged.
    """

    verification_failures: int = 0
    upload_errors: int = 0
    failing_verification_days: int = 0
    failing_backup_days: int = 0
    durations: tuple[int, ...] = (0,) * (len(DURATION_BOUNDS) + 1)
    duration_sum: float = 0.0
    drills: DrillHistory = field(default_factory=DrillHistory)
    read_at: Mapping[date, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class StorageUse:
    """What the vault stores at an instant, and its cost; ``quota`` is None if none is set."""

    at: datetime
    bill: Bill
    quota: Quota | None


@dataclass(frozen=True)
class Measurements:
    """One refresh.

    Attributes:
        at: when it started.
        seconds: how long it took.
        observation: the state of every day.
        first_backup_at: when the oldest backup with a manifest was made.
        quarantined_rows: rows that current backups left out.
        trail: counts of the audit trail.
        storage: what is stored.
        unlocked: current backups that are not locked as the profile requires; None if it requires no lock.
        oldest_read_at: when the verified day that was read back longest ago was read; None: no day is verified.
        read_within: the time within which every verified day is to be read back.
    """

    at: datetime
    seconds: float
    observation: Observation
    first_backup_at: datetime | None
    quarantined_rows: int
    trail: TrailCounts
    storage: StorageUse
    unlocked: int | None
    oldest_read_at: datetime | None
    read_within: timedelta

    @property
    def last_backup(self) -> Manifest | None:
        """The manifest of the newest verified day."""
        return self.observation.latest
