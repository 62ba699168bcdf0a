"""When backups run by themselves, and of which days."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from signal_backups.orchestration.build import build_defs

JOB_OF = {
    "daily_backup_schedule": "daily_backup_job",
    "restore_drill_schedule": "restore_drill_job",
    "bucket_policy_schedule": "bucket_policy_job",
    "audit_trail_schedule": "audit_trail_job",
    "retention_audit_schedule": "retention_audit_job",
    "storage_cost_schedule": "storage_cost_job",
    "rolling_reconciliation_schedule": "rolling_reconciliation_job",
    "scrub_schedule": "scrub_job",
    "store_probes_schedule": "store_probes_job",
}


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


def test_the_drill_is_held_on_sundays_at_three_in_the_morning_utc() -> None:
    drill = schedule("restore_drill_schedule")
    assert (drill.cron_schedule, drill.execution_timezone) == ("0 3 * * 0", "UTC")


@pytest.mark.parametrize(
    ("name", "cron"),
    [
        ("bucket_policy_schedule", "30 2 * * *"),
        ("audit_trail_schedule", "45 2 * * *"),
        ("retention_audit_schedule", "0 4 1 * *"),
        ("storage_cost_schedule", "30 4 * * *"),
        ("rolling_reconciliation_schedule", "30 3 * * *"),
        ("scrub_schedule", "0 5 * * *"),
        ("store_probes_schedule", "15 4 * * 0"),
    ],
)
def test_the_bucket_is_examined_daily_and_audited_on_the_first_of_the_month(
    instance: dg.DagsterInstance, name: str, cron: str
) -> None:
    assert (schedule(name).cron_schedule, schedule(name).execution_timezone) == (cron, "UTC")
    (request,) = tick(instance, name, datetime(2026, 12, 1, 4, 0, tzinfo=UTC))
    assert request.partition_key is None


def test_the_drill_schedule_asks_for_one_drill(instance: dg.DagsterInstance) -> None:
    (request,) = tick(instance, "restore_drill_schedule", datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    assert request.partition_key is None


@pytest.mark.parametrize("name", JOB_OF)
def test_schedules_are_on_by_default_and_start_the_job(name: str) -> None:
    assert schedule(name).default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule(name).job_name == JOB_OF[name]


def test_the_daily_backup_is_of_the_day_that_just_ended(instance: dg.DagsterInstance) -> None:
    (request,) = tick(instance, "daily_backup_schedule", datetime(2026, 11, 2, 2, 0, tzinfo=UTC))
    assert (request.partition_key, request.run_key) == ("2026-11-01", "2026-11-01")


def test_before_the_first_day_has_ended_nothing_runs(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2026-11-02")
    assert tick(instance, "daily_backup_schedule", datetime(2026, 11, 2, 2, 0, tzinfo=UTC)) == []
