"""When backups run by themselves, and of which days."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.checks import BACKUP_OBJECT
from signal_backups.orchestration.schedules import range_tags
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import World, materialized_days

SCHEDULES = ["daily_backup_schedule", "late_rows_schedule"]


def schedule(name: str) -> dg.ScheduleDefinition:
    return build_defs().get_repository_def().get_schedule_def(name)


def tick(instance: dg.DagsterInstance, name: str, at: datetime) -> list[dg.RunRequest]:
    repository = build_defs().get_repository_def()
    context = dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=repository)
    with context:
        return list(repository.get_schedule_def(name).evaluate_tick(context).run_requests or [])


def test_the_daily_backup_runs_at_two_in_the_morning_utc() -> None:
    daily = schedule("daily_backup_schedule")
    assert (daily.cron_schedule, daily.execution_timezone) == ("0 2 * * *", "UTC")


def test_late_rows_are_looked_for_after_the_daily_backup() -> None:
    late = schedule("late_rows_schedule")
    assert (late.cron_schedule, late.execution_timezone) == ("30 3 * * *", "UTC")


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_on_by_default_and_start_the_job(name: str) -> None:
    assert schedule(name).default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule(name).job_name == "daily_backup_job"


def test_the_daily_backup_is_of_the_day_that_just_ended(instance: dg.DagsterInstance) -> None:
    (request,) = tick(instance, "daily_backup_schedule", datetime(2026, 11, 2, 2, 0, tzinfo=UTC))
    assert (request.partition_key, request.run_key) == ("2026-11-01", "2026-11-01")


def test_late_rows_are_looked_for_in_the_seven_days_before_as_one_range(instance: dg.DagsterInstance) -> None:
    (request,) = tick(instance, "late_rows_schedule", datetime(2026, 11, 2, 3, 30, tzinfo=UTC))
    assert request.partition_key is None
    assert request.tags.items() >= range_tags(date(2026, 10, 26), date(2026, 11, 1)).items()


def test_late_rows_of_another_day_are_another_run(instance: dg.DagsterInstance) -> None:
    moments = [datetime(2026, 11, day, 3, 30, tzinfo=UTC) for day in (2, 3)]
    keys = {tick(instance, "late_rows_schedule", moment)[0].run_key for moment in moments}
    assert len(keys - {None}) == 2


def test_late_rows_are_not_looked_for_before_the_start_date(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2026-10-30")
    (request,) = tick(instance, "late_rows_schedule", datetime(2026, 11, 2, 3, 30, tzinfo=UTC))
    assert request.tags.items() >= range_tags(date(2026, 10, 30), date(2026, 11, 1)).items()


def test_before_the_first_day_has_ended_nothing_runs(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2026-11-02")
    assert tick(instance, "late_rows_schedule", datetime(2026, 11, 2, 3, 30, tzinfo=UTC)) == []
    assert tick(instance, "daily_backup_schedule", datetime(2026, 11, 2, 2, 0, tzinfo=UTC)) == []


def test_the_days_that_late_rows_asks_for_are_the_days_that_run(world: World) -> None:
    world.table.add_days(FIRST_DAY, day_number(8))
    at = datetime.combine(day_number(9), datetime.min.time(), tzinfo=UTC)
    (request,) = tick(world.instance, "late_rows_schedule", at.replace(hour=3, minute=30))
    result = world.run_tagged(request.tags)
    assert materialized_days(result, BACKUP_OBJECT) == [day_number(number) for number in range(2, 9)]
