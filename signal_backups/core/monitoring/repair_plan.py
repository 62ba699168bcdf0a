"""Which days are stale, and which of them to back up again now: a decision about facts, made by looking at nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.objectives import FIRST_REPAIR_PAUSE, MAX_REPAIR_DAYS, MAX_REPAIR_RUNS, MAX_REPAIRS
from signal_backups.core.monitoring.observation import DayState, Observation


class Attempt(BaseModel):
    """How often some days were asked for, and when last (UTC)."""

    model_config = ConfigDict(frozen=True)

    first: date
    last: date
    times: int
    at: datetime

    @property
    def is_last(self) -> bool:
        """Whether the days are not asked for again."""
        return self.times >= MAX_REPAIRS

    def may_follow(self, now: datetime) -> bool:
        """Whether the days may be asked for again."""
        return not self.is_last and now >= self.at + FIRST_REPAIR_PAUSE * 2 ** (self.times - 1)


class Attempts(BaseModel):
    """What the sensor keeps between ticks; a day that is fine again is dropped."""

    model_config = ConfigDict(frozen=True)

    attempts: list[Attempt] = []

    def by_day(self) -> dict[date, Attempt]:
        """The attempt of each day that has one."""
        return {day: attempt for attempt in self.attempts for day in DayRange(attempt.first, attempt.last).days}


@dataclass(frozen=True)
class DagsterDays:
    """What Dagster holds of ``backup_object``: days whose last run failed, and days that a run has or waits for."""

    failed: Set[date]
    in_progress: Set[date]


@dataclass(frozen=True)
class Plan:
    """The plan: the stale days, the ranges to request now, and the days whose attempts are used up."""

    stale: Sequence[date]
    asked: Sequence[Attempt]
    given_up: Sequence[date]
    attempts: Attempts


def plan_repair(observation: Observation, dagster: DagsterDays, before: Attempts, now: datetime) -> Plan:
    """Decide.

    Stale is a day that S3 does not hold verified, or whose last run failed, unless it was deleted. Nothing is asked for
    within grace, while a run has the day, or before the pause after the last attempt is over.
    """
    stale = stale_days(observation, dagster.failed)
    tried = {day: attempt for day, attempt in before.by_day().items() if day in stale}
    ready = {
        day for day in stale if day not in dagster.in_progress and (day not in tried or tried[day].may_follow(now))
    }
    asked = list(_newest_ranges(ready, tried, now))
    kept = tried | {day: attempt for attempt in asked for day in DayRange(attempt.first, attempt.last).days}
    given_up = [day for day in stale if day in tried and tried[day].is_last and day not in dagster.in_progress]
    return Plan(stale, asked, given_up, Attempts(attempts=_folded(kept)))


def stale_days(observation: Observation, failed: Set[date]) -> list[date]:
    """The days that have to be backed up, oldest first.

    Not those that a delete marker hides: a new backup would cover up the deletion, and hold only what the database
    still has. They wait for people, and for ``undelete``.
    """
    bad, hidden = {DayState.MISSING, DayState.UNVERIFIED}, set(observation.hidden)
    return [
        day
        for day, state in observation.days.items()
        if day not in hidden and (state in bad or (day in failed and state is not DayState.DUE))
    ]


def _newest_ranges(ready: Set[date], tried: Mapping[date, Attempt], now: datetime) -> Iterator[Attempt]:
    """Ranges of days that were asked for equally often, the newest first: they are the ones people ask about."""
    times = {day: tried[day].times + 1 if day in tried else 1 for day in ready}
    ranges = [
        (each, number)
        for number in set(times.values())
        for each in ranges_of((day for day in ready if times[day] == number), MAX_REPAIR_DAYS)
    ]
    for each, number in sorted(ranges, reverse=True)[:MAX_REPAIR_RUNS]:
        yield Attempt(first=each.first, last=each.last, times=number, at=now)


def _folded(by_day: Mapping[date, Attempt]) -> list[Attempt]:
    """The attempts again, as few as possible."""
    groups: dict[tuple[int, datetime], list[date]] = {}
    for day, attempt in by_day.items():
        groups.setdefault((attempt.times, attempt.at), []).append(day)
    return [
        Attempt(first=each.first, last=each.last, times=times, at=at)
        for (times, at), days in groups.items()
        for each in ranges_of(days)
    ]
