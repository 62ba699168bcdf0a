"""Schedules and sensors that are off, did not run when they should have, or fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    TickStatus,
)
from dagster._utils.schedules import schedule_execution_time_iterator

from signal_backups.core.base.objectives import GRACE
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.orchestration.instance.ticks import FINISHED, last_tick
from signal_backups.orchestration.sensors.conditions.snapshot import Look


def ticking_conditions(look: Look, itself: str) -> Iterator[Condition]:
    """Schedules and sensors of ours, but for the sensor that asks."""
    for schedule in look.repository.schedule_defs:
        state = _states(look, InstigatorType.SCHEDULE).get(schedule.name)
        yield from _is_off(schedule.name, "schedule", state)
        yield from _tick_failed(look, schedule.name, "schedule", state)
        yield from _did_not_run(look, schedule, state)
    for sensor in look.repository.sensor_defs:
        state = _states(look, InstigatorType.SENSOR).get(sensor.name)
        if sensor.name != itself:
            yield from _is_off(sensor.name, "sensor", state)
            yield from _tick_failed(look, sensor.name, "sensor", state)


def _states(look: Look, kind: InstigatorType) -> Mapping[str, InstigatorState]:
    """What the daemon keeps of each, by name; nothing of one that it never saw."""
    return {state.instigator_name: state for state in look.instance.all_instigator_state(instigator_type=kind)}


def _is_off(name: str, kind: str, state: InstigatorState | None) -> Iterator[Condition]:
    # Without a state, what the code says counts: they are all on.
    if state is not None and state.status is InstigatorStatus.STOPPED:
        yield Condition(
            key=f"off/{name}",
            severity=AlertSeverity.CRITICAL,
            what=f"{kind} {name} is switched off",
            command=f"dagster {kind} start {name}",
        )


def _tick_failed(look: Look, name: str, kind: str, state: InstigatorState | None) -> Iterator[Condition]:
    tick = last_tick(look.instance, state, FINISHED)
    if tick is not None and tick.status is TickStatus.FAILURE:
        why = (tick.error.cause or tick.error).message.strip() if tick.error else "no reason given"
        yield Condition(
            key=f"tick/{name}",
            severity=AlertSeverity.CRITICAL,
            what=f"{kind} {name} fails: {why}",
            since=datetime.fromtimestamp(tick.timestamp, UTC),
        )


def _did_not_run(look: Look, schedule: dg.ScheduleDefinition, state: InstigatorState | None) -> Iterator[Condition]:
    if state is not None and state.status is InstigatorStatus.STOPPED:
        return
    data = state.instigator_data if state is not None else None
    on_since = data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None
    due = _last_due(schedule, look.now - GRACE)
    tick = last_tick(look.instance, state)
    last = tick.timestamp if tick is not None else 0
    if last >= due.timestamp() or due.timestamp() < (on_since or look.state.began.timestamp()):
        return
    ever = f"last on {datetime.fromtimestamp(last, UTC):%Y-%m-%d %H:%M}Z" if last else "it never did"
    yield Condition(
        key=f"idle/{schedule.name}",
        severity=AlertSeverity.CRITICAL,
        what=f"schedule {schedule.name} did not run at {due:%Y-%m-%d %H:%M}Z: {ever}",
        since=due,
        command="signal-backups doctor",
    )


def _last_due(schedule: dg.ScheduleDefinition, now: datetime) -> datetime:
    """When it should have run last (UTC)."""
    times = schedule_execution_time_iterator(
        now.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=False
    )
    return next(time for time in times if time <= now).astimezone(UTC)
