"""Schedules and sensors as the daemon stores them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.instance.ticks import Tick, automations, last_due
from signal_backups.orchestration.names import DAILY_BACKUP_SCHEDULE
from signal_backups_tests.orchestration.alerts import schedule_state, tick_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ON = schedule_state(DAILY_BACKUP_SCHEDULE, InstigatorStatus.RUNNING, NOW)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """It stores schedules and sensors too, unlike an ephemeral one."""
    with dg.instance_for_test() as found:
        yield found


def test_a_schedule_is_known_once_the_daemon_has_seen_it(instance: dg.DagsterInstance) -> None:
    assert automations(instance, "schedule") == {}
    instance.add_instigator_state(ON)
    (schedule,) = automations(instance, "schedule").values()
    assert (schedule.name, schedule.is_off, schedule.on_since) == (DAILY_BACKUP_SCHEDULE, False, NOW)
    assert (schedule.last_tick(), schedule.last_finished_tick()) == (None, None)
    assert automations(instance, "sensor") == {}
    instance.update_instigator_state(ON.with_status(InstigatorStatus.STOPPED))
    assert automations(instance, "schedule")[DAILY_BACKUP_SCHEDULE].is_off


def test_a_tick_that_has_only_begun_is_the_last_but_not_the_last_finished_one(instance: dg.DagsterInstance) -> None:
    instance.add_instigator_state(ON)
    instance.create_tick(tick_of(ON, NOW, TickStatus.FAILURE, "no such job"))
    instance.create_tick(tick_of(ON, NOW + MINUTE, TickStatus.STARTED))
    (schedule,) = automations(instance, "schedule").values()
    assert schedule.last_tick() == Tick(NOW + MINUTE, failed=False, error="")
    assert schedule.last_finished_tick() == Tick(NOW, failed=True, error="no such job")


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (datetime(2026, 11, 20, 2, 0, tzinfo=UTC), datetime(2026, 11, 20, 2, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 1, 59, tzinfo=UTC), datetime(2026, 11, 19, 2, 0, tzinfo=UTC)),
    ],
    ids=["on time", "just before"],
)
def test_a_schedule_was_due_last_at_its_last_time(now: datetime, due: datetime) -> None:
    schedule = build_defs().get_repository_def().get_schedule_def(DAILY_BACKUP_SCHEDULE)
    assert last_due(schedule, now) == due
