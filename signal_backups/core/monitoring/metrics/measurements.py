"""What was measured, as plain data: times UTC, durations seconds, sizes bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from signal_backups.core.cost.billing import Bill
from signal_backups.core.cost.quota import Quota
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.manifest import Manifest

#: Upper bounds of the classes of durations, seconds; the last class has none.
DURATION_BOUNDS = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)


@dataclass(frozen=True)
class Drilled:
    """Restore drills; None: there was none.

    Attributes:
        last_at: the last one.
        passed: whether it was a good one.
        last_good_at: the last good one.
        rto_seconds: the last forecast of how long restoring everything takes.
    """

    last_at: datetime | None = None
    passed: bool = False
    last_good_at: datetime | None = None
    rto_seconds: float | None = None


@dataclass(frozen=True)
class Trail:
    """Counts of the audit trail, from its first event on.

    Attributes:
        verification_failures: verifications that failed.
        upload_errors: backups of a day that the store did not take.
        failing_verification_days: days whose last verification failed.
        failing_backup_days: days whose last backup failed.
        durations: stored backups by class of duration, see ``DURATION_BOUNDS``.
        duration_sum: what all of them took.
    """

    verification_failures: int = 0
    upload_errors: int = 0
    failing_verification_days: int = 0
    failing_backup_days: int = 0
    durations: tuple[int, ...] = (0,) * (len(DURATION_BOUNDS) + 1)
    duration_sum: float = 0.0
    drills: Drilled = field(default_factory=Drilled)


@dataclass(frozen=True)
class Stock:
    """All that is stored at an instant, and what is billed for it; ``quota`` is None when none is set."""

    at: datetime
    bill: Bill
    quota: Quota | None


@dataclass(frozen=True)
class Measurements:
    """One refresh.

    Attributes:
        at: when it began.
        seconds: what it took.
        observation: the state of every day.
        first_backup_at: when the oldest backup that has a manifest was made.
        quarantined_rows: rows left out of the backups that are current.
        trail: counts of the audit trail.
        stock: what is stored.
        unlocked: current backups that are not locked as the profile says; None: it says nothing.
    """

    at: datetime
    seconds: float
    observation: Observation
    first_backup_at: datetime | None
    quarantined_rows: int
    trail: Trail
    stock: Stock
    unlocked: int | None

    @property
    def last_backup(self) -> Manifest | None:
        """The manifest of the newest verified day."""
        return self.observation.latest
