"""Decides which days are stale and which of them to back up again now, without any I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel

from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.objectives import FIRST_REPAIR_PAUSE, MAX_REPAIR_DAYS, MAX_REPAIR_RUNS, MAX_REPAIRS
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.day_state import DayState

#: What a new backup puts right.
_NOT_AS_VOUCHED = {DayState.MISSING, DayState.UNVERIFIED, DayState.TAMPERED}


class Attempt(BaseModel, frozen=True):
    """How often a range of days was requested, and when last (UTC)."""

    first: date
    last: date
    times: int
    at: datetime

    @property
    def is_last(self) -> bool:
        """Whether all attempts are used up."""
        return self.times >= MAX_REPAIRS

    def may_follow(self, now: datetime) -> bool:
        """Return whether the days may be requested again: the pause doubles with each attempt."""
        return not self.is_last and now >= self.at + FIRST_REPAIR_PAUSE * 2 ** (self.times - 1)


class Attempts(BaseModel, frozen=True):
    """The sensor's cursor; a day that is no longer stale is dropped."""

    attempts: list[Attempt] = []

    def by_day(self) -> dict[date, Attempt]:
        """Return the attempt of each day that has one."""
        return {day: attempt for attempt in self.attempts for day in DayRange(attempt.first, attempt.last).days}


@dataclass(frozen=True)
class DagsterDays:
    """The days of ``backup_object`` in Dagster: those whose last run failed, and those with a run queued or started."""

    failed: Set[date]
    in_progress: Set[date]


@dataclass(frozen=True)
class Plan:
    """The stale days, the ranges to request now, the days whose attempts are used up, and the new cursor."""

    stale: Sequence[date]
    requested: Sequence[Attempt]
    given_up: Sequence[date]
    attempts: Attempts


def plan_repair(observation: Observation, dagster: DagsterDays, before: Attempts, now: datetime) -> Plan:
    """Decide which days to request now.

    A day is not requested within its grace period, while a run is queued or started for it, or before the pause after
    its last attempt is over.
    """
    stale = stale_days(observation, dagster.failed)
    tried = {day: attempt for day, attempt in before.by_day().items() if day in stale}
    ready = {
        day for day in stale if day not in dagster.in_progress and (day not in tried or tried[day].may_follow(now))
    }
    requested = list(_newest_ranges(ready, tried, now))
    kept = tried | {day: attempt for attempt in requested for day in DayRange(attempt.first, attempt.last).days}
    given_up = [day for day in stale if day in tried and tried[day].is_last and day not in dagster.in_progress]
    return Plan(stale, requested, given_up, Attempts(attempts=_folded(kept)))


def stale_days(observation: Observation, failed: Set[date]) -> list[date]:
    """Return the days that must be backed up again, oldest first: not verified in S3, or with a failed last run.

    A day that a delete marker hides, or that was destroyed, is not stale: a new backup would cover that up, with only
    the rows that the database still has. Somebody has to decide.
    """
    return [
        day
        for day, state in observation.days.items()
        if state in _NOT_AS_VOUCHED or (day in failed and state is DayState.VERIFIED)
    ]


def _newest_ranges(ready: Set[date], tried: Mapping[date, Attempt], now: datetime) -> Iterator[Attempt]:
    """Yield ranges of days with equally many attempts, newest first: people need recent days most."""
    times = {day: tried[day].times + 1 if day in tried else 1 for day in ready}
    ranges = [
        (each, number)
        for number in set(times.values())
        for each in ranges_of((day for day in ready if times[day] == number), MAX_REPAIR_DAYS)
    ]
    for each, number in sorted(ranges, reverse=True)[:MAX_REPAIR_RUNS]:
        yield Attempt(first=each.first, last=each.last, times=number, at=now)


def _folded(by_day: Mapping[date, Attempt]) -> list[Attempt]:
    """Merge the attempts of single days into as few ranges as possible."""
    groups: dict[tuple[int, datetime], list[date]] = {}
    for day, attempt in by_day.items():
        groups.setdefault((attempt.times, attempt.at), []).append(day)
    return [
        Attempt(first=each.first, last=each.last, times=times, at=at)
        for (times, at), days in groups.items()
        for each in ranges_of(days)
    ]
