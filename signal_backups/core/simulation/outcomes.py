"""How each backup ends in each scenario: untouched, deleted or overwritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel

from signal_backups.core.base.days import BACKUP_TIME, ONE_DAY, years_after
from signal_backups.core.s3.lifecycle_timeline import ObjectRules, Timeline
from signal_backups.core.s3.object_lock import LockPolicy

#: Age of a backup at the incident. An early incident destroys the most retention.
INCIDENT_AGE = ONE_DAY
#: The leap years of the retention depend on the start date; this many days in a row cover every case.
_DAYS_OF_LEAP_CYCLE = 1461
_HOUR = timedelta(hours=1)


class Scenario(StrEnum):
    """What is done to a backup."""

    UNTOUCHED = "untouched"
    DELETED = "deleted"
    OVERWRITTEN = "overwritten"


class Outcome(StrEnum):
    """The state of a backup's good copy when its retention ends."""

    KEPT = "kept"
    HIDDEN = "hidden"
    DESTROYED = "destroyed"


class ScenarioOutcome(BaseModel, frozen=True):
    """The outcome of one backup in one scenario; instants UTC, None for never."""

    fate: Outcome
    hidden_at: datetime | None
    destroyed_at: datetime | None


class BackupOutcome(BaseModel, frozen=True):
    """The outcomes of one day's backup.

    Attributes:
        day: the UTC day of its signals.
        stored_at: when it was stored, UTC.
        end: end of its retention, UTC.
        is_locked: whether its lock lasts until the end of its retention.
        fates: the outcome in each scenario.
    """

    day: date
    stored_at: datetime
    end: datetime
    is_locked: bool
    fates: dict[Scenario, ScenarioOutcome]


class Shortfall(BaseModel, frozen=True):
    """Untouched backups that are hidden a certain time before their retention ends.

    Attributes:
        hours: how early they are hidden.
        records: number of such backups.
        share: fraction of the simulated backups, 0 to 1.
        share_of_start_dates: fraction of all possible start dates, 0 to 1.
    """

    hours: float
    records: int
    share: float
    share_of_start_dates: float


class ScenarioFigures(BaseModel, frozen=True):
    """The figures of one scenario.

    Attributes:
        story: the scenario.
        hidden_early: backups hidden or destroyed before their retention ends.
        destroyed_early: backups destroyed before their retention ends.
        destroyed_after_days: whole days from the incident (or expiration) to the destruction; None if never destroyed.
        lost_hours: fewest and most hours from an early destruction to the end of the retention; None without one.
        lost_up_to_age_days: greatest age in days at which an incident destroys a backup early; None without one.
    """

    story: Scenario
    hidden_early: int
    destroyed_early: int
    destroyed_after_days: int | None
    lost_hours: tuple[float, float] | None
    lost_up_to_age_days: int | None


@dataclass(frozen=True)
class ObjectProtection:
    """What applies to one object: lifecycle rules, lock, and the calendar years it must be kept."""

    rules: ObjectRules
    lock: LockPolicy | None
    retention_years: int

    def end_of(self, stored_at: datetime) -> datetime:
        """End of the retention of an object, UTC."""
        return years_after(stored_at, self.retention_years)

    def untouched(self, stored_at: datetime) -> Timeline:
        """The timeline of a version that stays current until it expires."""
        return self.rules.timeline(stored_at, lock_until=self._lock_until(stored_at))

    def after_incident(self, stored_at: datetime, age: timedelta = INCIDENT_AGE) -> Timeline:
        """The timeline of a version that is deleted or overwritten at an age; both make it noncurrent."""
        return self.rules.timeline(stored_at, superseded_at=stored_at + age, lock_until=self._lock_until(stored_at))

    def is_locked(self, stored_at: datetime) -> bool:
        """Whether the lock lasts until the end of the retention."""
        until = self._lock_until(stored_at)
        return until is not None and until >= self.end_of(stored_at)

    def _lock_until(self, stored_at: datetime) -> datetime | None:
        return self.lock.retain_until(stored_at) if self.lock else None


def stored_at(day: date) -> datetime:
    """When a day's backup is stored: the next day at ``BACKUP_TIME``, UTC."""
    return datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC)


def outcomes_of_days(protection: ObjectProtection, days: Sequence[date]) -> list[BackupOutcome]:
    """The outcome of each day's backup in every scenario."""
    return [_outcome_of_day(protection, day) for day in days]


def shortfalls(protection: ObjectProtection, backups: Sequence[BackupOutcome]) -> list[Shortfall]:
    """How early untouched backups are hidden, most hours first; empty when none is."""
    simulated = Counter(_hours_short(backup.fates[Scenario.UNTOUCHED].hidden_at, backup.end) for backup in backups)
    cycle = Counter(
        _hours_short(protection.untouched(at).hidden_at, protection.end_of(at))
        for at in _leap_cycle(backups[0].stored_at)
    )
    return [
        Shortfall(
            hours=hours,
            records=simulated[hours],
            share=simulated[hours] / len(backups),
            share_of_start_dates=cycle[hours] / _DAYS_OF_LEAP_CYCLE,
        )
        for hours in sorted(cycle | simulated, reverse=True)
        if hours > 0
    ]


def scenario_figures(
    protection: ObjectProtection, scenario: Scenario, backups: Sequence[BackupOutcome]
) -> ScenarioFigures:
    """The figures of one scenario."""
    lost = [
        (backup.end - destroyed) / _HOUR
        for backup in backups
        if (destroyed := backup.fates[scenario].destroyed_at) is not None and destroyed < backup.end
    ]
    outcomes = Counter(backup.fates[scenario].fate for backup in backups)
    return ScenarioFigures(
        story=scenario,
        hidden_early=outcomes[Outcome.HIDDEN] + outcomes[Outcome.DESTROYED],
        destroyed_early=outcomes[Outcome.DESTROYED],
        destroyed_after_days=_days_until_destroyed(backups[0].fates[scenario]),
        lost_hours=(min(lost), max(lost)) if lost else None,
        lost_up_to_age_days=None
        if scenario is Scenario.UNTOUCHED
        else _last_age_lost(protection, backups[0].stored_at),
    )


def _outcome_of_day(protection: ObjectProtection, day: date) -> BackupOutcome:
    at = stored_at(day)
    end = protection.end_of(at)
    after_incident = _outcome(protection.after_incident(at), end)
    return BackupOutcome(
        day=day,
        stored_at=at,
        end=end,
        is_locked=protection.is_locked(at),
        fates={
            Scenario.UNTOUCHED: _outcome(protection.untouched(at), end),
            Scenario.DELETED: after_incident,
            Scenario.OVERWRITTEN: after_incident,
        },
    )


def _outcome(timeline: Timeline, end: datetime) -> ScenarioOutcome:
    if timeline.destroyed_at is not None and timeline.destroyed_at < end:
        outcome = Outcome.DESTROYED
    elif timeline.hidden_at is not None and timeline.hidden_at < end:
        outcome = Outcome.HIDDEN
    else:
        outcome = Outcome.KEPT
    return ScenarioOutcome(fate=outcome, hidden_at=timeline.hidden_at, destroyed_at=timeline.destroyed_at)


def _hours_short(hidden_at: datetime | None, end: datetime) -> float:
    return 0.0 if hidden_at is None else max(0.0, (end - hidden_at) / _HOUR)


def _leap_cycle(first: datetime) -> Iterator[datetime]:
    return (first + timedelta(days=offset) for offset in range(_DAYS_OF_LEAP_CYCLE))


def _days_until_destroyed(outcome: ScenarioOutcome) -> int | None:
    if outcome.hidden_at is None or outcome.destroyed_at is None:
        return None
    return (outcome.destroyed_at - outcome.hidden_at).days


def _last_age_lost(protection: ObjectProtection, stored: datetime) -> int | None:
    """Greatest age in days at which an incident destroys a backup early; every age is tried, a lock may save some."""
    end = protection.end_of(stored)
    lost = [
        age
        for age in range((end - stored).days)
        if (destroyed := protection.after_incident(stored, timedelta(days=age)).destroyed_at) is not None
        and destroyed < end
    ]
    return max(lost, default=None)
