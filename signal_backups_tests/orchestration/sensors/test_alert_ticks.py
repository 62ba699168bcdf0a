"""Schedules and sensors that are off, did not run or fail: notified, reminded of, and over."""

from __future__ import annotations

from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickStatus,
)

from signal_backups.core.base.days import ONE_DAY
from signal_backups_tests.orchestration.alerts import (
    LAST,
    Notified,
    arrives_once_reminds_and_recovers,
    origin,
    schedule_state,
    tick_of,
)
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World


def test_a_schedule_that_is_off(watched: World, ticks: Ticks, notified: Notified) -> None:
    on = schedule_state("daily_backup_schedule", InstigatorStatus.RUNNING, ticks.now)
    watched.instance.add_instigator_state(on)
    assert notified() == []
    watched.instance.update_instigator_state(on.with_status(InstigatorStatus.STOPPED))
    alert = arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.instance.update_instigator_state(on),
        "CRITICAL] schedule daily_backup_schedule is switched off",
    )
    assert "Run: dagster schedule start daily_backup_schedule" in alert.body


def test_a_sensor_that_is_off(watched: World, notified: Notified) -> None:
    on = InstigatorState(
        origin("stale_partition_sensor"),
        InstigatorType.SENSOR,
        InstigatorStatus.RUNNING,
        SensorInstigatorData(min_interval=300),
    )
    watched.instance.add_instigator_state(on)
    assert notified() == []
    watched.instance.update_instigator_state(on.with_status(InstigatorStatus.STOPPED))
    arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.instance.update_instigator_state(on),
        "CRITICAL] sensor stale_partition_sensor is switched off",
    )


def test_a_schedule_that_did_not_run_when_it_should_have(watched: World, ticks: Ticks, notified: Notified) -> None:
    # The last one of the day, switched on before; an hour after its time there is still no tick.
    state = schedule_state("storage_cost_schedule", InstigatorStatus.RUNNING, ticks.at(1))
    watched.instance.add_instigator_state(state)
    ticks.now = ticks.at(5, 28)
    assert notified() == []
    alert = arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.instance.create_tick(tick_of(state, ticks.at(4, 30), TickStatus.SUCCESS)),
        f"CRITICAL] schedule storage_cost_schedule did not run at {LAST + ONE_DAY} 04:30Z: it never did",
    )
    assert alert.body


def test_a_sensor_whose_ticks_fail(watched: World, ticks: Ticks, notified: Notified) -> None:
    state = InstigatorState(
        origin("late_rows_sensor"), InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
    )
    watched.instance.add_instigator_state(state)
    watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.FAILURE, "no SQLite database"))
    arrives_once_reminds_and_recovers(
        notified,
        lambda: watched.instance.create_tick(tick_of(state, ticks.now, TickStatus.SKIPPED)),
        "CRITICAL] sensor late_rows_sensor fails: no SQLite database",
    )
