"""Schedules and sensors that are off, fail, or did not run when they should have."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from signal_backups.core.base.objectives import GRACE
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.orchestration.instance.ticks import Automation, AutomationKind, automations, last_due
from signal_backups.orchestration.sensors.conditions.snapshot import InstanceSnapshot


def automation_conditions(snapshot: InstanceSnapshot, excluded_sensor: str) -> Iterator[Condition]:
    """What is wrong with our schedules and sensors, without the sensor that asks: it cannot see that it is off."""
    schedules = automations(snapshot.instance, "schedule")
    for schedule in snapshot.repository.schedule_defs:
        automation = schedules.get(schedule.name)
        yield from _is_off("schedule", automation)
        yield from _tick_failed("schedule", automation)
        yield from _did_not_run(snapshot, schedule, automation)
    sensors = automations(snapshot.instance, "sensor")
    for sensor in snapshot.repository.sensor_defs:
        if sensor.name != excluded_sensor:
            yield from _is_off("sensor", sensors.get(sensor.name))
            yield from _tick_failed("sensor", sensors.get(sensor.name))


def _is_off(kind: AutomationKind, automation: Automation | None) -> Iterator[Condition]:
    # One that the daemon has never seen is on: the code declares all of them running.
    if automation is not None and automation.is_off:
        yield Condition(
            key=f"off/{automation.name}",
            severity=AlertSeverity.CRITICAL,
            what=f"{kind} {automation.name} is switched off",
            command=f"dagster {kind} start {automation.name}",
        )


def _tick_failed(kind: AutomationKind, automation: Automation | None) -> Iterator[Condition]:
    tick = automation.last_finished_tick() if automation is not None else None
    if automation is not None and tick is not None and tick.failed:
        yield Condition(
            key=f"tick/{automation.name}",
            severity=AlertSeverity.CRITICAL,
            what=f"{kind} {automation.name} fails: {tick.error or 'no reason given'}",
            since=tick.at,
        )


def _did_not_run(
    snapshot: InstanceSnapshot, schedule: dg.ScheduleDefinition, automation: Automation | None
) -> Iterator[Condition]:
    if automation is not None and automation.is_off:
        return
    due = last_due(schedule, snapshot.now - GRACE)
    on_since = (automation.on_since if automation is not None else None) or snapshot.state.began
    last = automation.last_tick() if automation is not None else None
    if due < on_since or (last is not None and last.at >= due):
        return
    ever = f"last on {last.at:%Y-%m-%d %H:%M}Z" if last is not None else "it never did"
    yield Condition(
        key=f"idle/{schedule.name}",
        severity=AlertSeverity.CRITICAL,
        what=f"schedule {schedule.name} did not run at {due:%Y-%m-%d %H:%M}Z: {ever}",
        since=due,
        command="signal-backups doctor",
    )
