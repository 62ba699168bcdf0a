"""What happens to each backup until its retention ends: untouched, deleted or overwritten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.days import BACKUP_TIME, ONE_DAY, years_after
from signal_backups.core.s3.lifecycle_timeline import ObjectRules, Timeline
from signal_backups.core.s3.object_lock import LockPolicy

#: An incident is worst right after a backup: it is simulated on the day after.
MISHAP_AGE = ONE_DAY
#: Leap years repeat: so many start dates in a row cover all cases.
_DAYS_OF_LEAP_CYCLE = 1461
_HOUR = timedelta(hours=1)


class Scenario(StrEnum):
    """What happens to a record."""

    UNTOUCHED = "untouched"
    DELETED = "deleted"
    OVERWRITTEN = "overwritten"


class Outcome(StrEnum):
    """The state of a backup's good copy when its retention ends."""

    KEPT = "kept"
    HIDDEN = "hidden"
    DESTROYED = "destroyed"


class ScenarioOutcome(BaseModel):
    """The outcome of one backup in one scenario; instants UTC, None for never."""

    model_config = ConfigDict(frozen=True)

    fate: Outcome
    hidden_at: datetime | None
    destroyed_at: datetime | None


class BackupOutcome(BaseModel):
    """One day's record.

    Attributes:
        day: the day of its signals.
        stored_at: when it was stored, UTC.
        end: end of its retention, UTC.
        is_locked: whether its lock lasts until then.
        fates: the outcomes by scenario.
    """

    model_config = ConfigDict(frozen=True)

    day: date
    stored_at: datetime
    end: datetime
    is_locked: bool
    fates: dict[Scenario, ScenarioOutcome]


class Shortfall(BaseModel):
    """Untouched records that are hidden so many hours before their retention ends.

    Attributes:
        hours: how early.
        records: how many of the simulated backups.
        share: of the simulated backups.
        share_of_start_dates: of all possible start dates.
    """

    model_config = ConfigDict(frozen=True)

    hours: float
    records: int
    share: float
    share_of_start_dates: float


class StoryFigures(BaseModel):
    """The figures of one scenario.

    Attributes:
        story: the scenario.
        hidden_early: records hidden before their end, those destroyed included.
        destroyed_early: records destroyed before their end.
        destroyed_after_days: whole days from the incident (or expiration) to the destruction; None for never.
        lost_hours: smallest and largest number of hours by which they are destroyed too early; None for none.
        lost_up_to_age_days: greatest age, days, at which an incident still destroys a backup early; None for none.
    """

    model_config = ConfigDict(frozen=True)

    story: Scenario
    hidden_early: int
    destroyed_early: int
    destroyed_after_days: int | None
    lost_hours: tuple[float, float] | None
    lost_up_to_age_days: int | None


@dataclass(frozen=True)
class Plan:
    """What is simulated: the rules of one object, its lock, and how long it must be kept."""

    rules: ObjectRules
    lock: LockPolicy | None
    retention_years: int

    def end_of(self, stored_at: datetime) -> datetime:
        """The end of the retention of what was stored then."""
        return years_after(stored_at, self.retention_years)

    def untouched(self, stored_at: datetime) -> Timeline:
        """The timeline of a record nobody touches."""
        return self.rules.play(stored_at, lock_until=self._lock_until(stored_at))

    def hit(self, stored_at: datetime, age: timedelta = MISHAP_AGE) -> Timeline:
        """The timeline of a record that is deleted or overwritten at an age; to its bytes both are the same."""
        return self.rules.play(stored_at, superseded_at=stored_at + age, lock_until=self._lock_until(stored_at))

    def is_locked(self, stored_at: datetime) -> bool:
        """Whether its lock lasts until the end of its retention."""
        until = self._lock_until(stored_at)
        return until is not None and until >= self.end_of(stored_at)

    def _lock_until(self, stored_at: datetime) -> datetime | None:
        return self.lock.retain_until(stored_at) if self.lock else None


def stored_at(day: date) -> datetime:
    """When a day's backup is stored: the next day at ``BACKUP_TIME``, UTC."""
    return datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC)


def play_records(plan: Plan, days: Sequence[date]) -> list[BackupOutcome]:
    """The outcome of each day's backup in every scenario."""
    return [_record(plan, day) for day in days]


def shortfalls(plan: Plan, records: Sequence[BackupOutcome]) -> list[Shortfall]:
    """How early untouched records are hidden, most hours first; empty when none is."""
    played = Counter(_hours_short(record.fates[Scenario.UNTOUCHED].hidden_at, record.end) for record in records)
    cycle = Counter(_hours_short(plan.untouched(at).hidden_at, plan.end_of(at)) for at in _leap_cycle(records))
    return [
        Shortfall(
            hours=hours,
            records=played[hours],
            share=played[hours] / len(records),
            share_of_start_dates=cycle[hours] / _DAYS_OF_LEAP_CYCLE,
        )
        for hours in sorted(cycle | played, reverse=True)
        if hours > 0
    ]


def figures_of(plan: Plan, scenario: Scenario, records: Sequence[BackupOutcome]) -> StoryFigures:
    """The figures of one scenario."""
    lost = [
        (record.end - destroyed) / _HOUR
        for record in records
        if (destroyed := record.fates[scenario].destroyed_at) is not None and destroyed < record.end
    ]
    outcomes = Counter(record.fates[scenario].fate for record in records)
    return StoryFigures(
        story=scenario,
        hidden_early=outcomes[Outcome.HIDDEN] + outcomes[Outcome.DESTROYED],
        destroyed_early=outcomes[Outcome.DESTROYED],
        destroyed_after_days=_days_until_destroyed(records[0].fates[scenario]),
        lost_hours=(min(lost), max(lost)) if lost else None,
        lost_up_to_age_days=None if scenario is Scenario.UNTOUCHED else _last_age_lost(plan, records[0].stored_at),
    )


def _record(plan: Plan, day: date) -> BackupOutcome:
    at = stored_at(day)
    end, hit = plan.end_of(at), plan.hit(at)
    after_incident = _outcome(hit, end)
    return BackupOutcome(
        day=day,
        stored_at=at,
        end=end,
        is_locked=plan.is_locked(at),
        fates={
            Scenario.UNTOUCHED: _outcome(plan.untouched(at), end),
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


def _leap_cycle(records: Sequence[BackupOutcome]) -> Iterator[datetime]:
    first = records[0].stored_at
    return (first + timedelta(days=offset) for offset in range(_DAYS_OF_LEAP_CYCLE))


def _days_until_destroyed(found: ScenarioOutcome) -> int | None:
    if found.hidden_at is None or found.destroyed_at is None:
        return None
    return (found.destroyed_at - found.hidden_at).days


def _last_age_lost(plan: Plan, stored: datetime) -> int | None:
    """Played for every age in days, because a lock or a second rule may save some ages and not others."""
    end = plan.end_of(stored)
    lost = [
        age
        for age in range((end - stored).days)
        if (gone := plan.hit(stored, timedelta(days=age)).destroyed_at) is not None and gone < end
    ]
    return max(lost, default=None)
