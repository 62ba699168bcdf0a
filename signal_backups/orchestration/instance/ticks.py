"""Schedules and sensors as Dagster's daemon keeps them: on or off, and their ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    ScheduleInstigatorData,
    TickStatus,
)
from dagster._utils.schedules import schedule_execution_time_iterator

AutomationKind = Literal["schedule", "sensor"]

_FINISHED = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]


@dataclass(frozen=True)
class Tick:
    """One tick: when it began (UTC), whether it failed, and why."""

    at: datetime
    failed: bool
    error: str


@dataclass(frozen=True)
class Automation:
    """A schedule or sensor that the daemon knows.

    Attributes:
        name: its name.
        is_off: whether somebody switched it off.
        on_since: when a schedule was switched on by hand (UTC).
    """

    name: str
    is_off: bool
    on_since: datetime | None
    _instance: dg.DagsterInstance = field(repr=False)
    _state: InstigatorState = field(repr=False)

    def last_tick(self) -> Tick | None:
        """The last tick, which may still be running; None: there was none yet."""
        return self._last(None)

    def last_finished_tick(self) -> Tick | None:
        """The last tick that is over; None: there was none yet."""
        return self._last(_FINISHED)

    def _last(self, statuses: list[TickStatus] | None) -> Tick | None:
        ticks = self._instance.get_ticks(
            self._state.instigator_origin_id, self._state.selector_id, limit=1, statuses=statuses
        )
        return _tick(ticks[0]) if ticks else None


def automations(instance: dg.DagsterInstance, kind: AutomationKind) -> dict[str, Automation]:
    """All schedules or all sensors that the daemon knows, by name.

    One that the daemon has never seen is not among them. It is on if the code declares it so.
    """
    states = instance.all_instigator_state(instigator_type=InstigatorType(kind.upper()))
    return {state.instigator_name: _automation(instance, state) for state in states}


def last_due(schedule: dg.ScheduleDefinition, now: datetime) -> datetime:
    """The last time (UTC) up to ``now`` at which a schedule should have run."""
    times = schedule_execution_time_iterator(
        now.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=False
    )
    return next(time for time in times if time <= now).astimezone(UTC)


def _automation(instance: dg.DagsterInstance, state: InstigatorState) -> Automation:
    data = state.instigator_data
    started = data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None
    return Automation(
        name=state.instigator_name,
        is_off=state.status is InstigatorStatus.STOPPED,
        on_since=datetime.fromtimestamp(started, UTC) if started else None,
        _instance=instance,
        _state=state,
    )


def _tick(tick: InstigatorTick) -> Tick:
    failed = tick.status is TickStatus.FAILURE
    error = (tick.error.cause or tick.error).message.strip() if tick.error else ""
    return Tick(datetime.fromtimestamp(tick.timestamp, UTC), failed, error)
