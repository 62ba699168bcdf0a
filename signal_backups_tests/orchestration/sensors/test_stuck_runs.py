"""Runs whose process is gone: people are notified, the run is ended, its days are backed up again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from signal_backups.core.base.objectives import MAX_RUN_SILENCE, STUCK_RUN_SHOWN
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import ALERT_SENSOR, DAILY_BACKUP_JOB, STALE_PARTITION_SENSOR
from signal_backups.orchestration.partitions import range_tags
from signal_backups_tests.orchestration.alerts import DAYS, FIRST, LAST, Notified
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World

STARTED, CANCELING = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING
ONE_SECOND = timedelta(seconds=1)


def killed(world: World, status: dg.DagsterRunStatus = STARTED) -> dg.DagsterRun:
    """What a run over all days leaves in the instance when its process is killed before the first is done."""
    job = build_defs(resource_overrides=world.overrides(), retry_policy=None).resolve_job_def(DAILY_BACKUP_JOB)
    return world.instance.create_run_for_job(job, tags=range_tags(FIRST, LAST), status=status)


def last_sign(world: World, run: dg.DagsterRun) -> datetime:
    (newest,) = world.instance.get_records_for_run(run.run_id, limit=1, ascending=False).records
    return datetime.fromtimestamp(newest.timestamp, UTC)


def status_of(world: World, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = world.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


@pytest.fixture
def repair(watched: World) -> Ticks:
    """The sensor of stale days."""
    return Ticks(watched, STALE_PARTITION_SENSOR)


@pytest.mark.parametrize("status", [STARTED, CANCELING], ids=lambda status: status.value)
def test_a_silent_run_is_an_alert_after_the_limit_and_not_before(
    watched: World, ticks: Ticks, notified: Notified, status: dg.DagsterRunStatus
) -> None:
    run = killed(watched, status)
    ticks.now = last_sign(watched, run)
    assert notified(MAX_RUN_SILENCE - ONE_SECOND) == []
    (alert,) = notified(ONE_SECOND)
    assert alert.title.startswith("[signal-backups CRITICAL] 1 run is stuck: no sign of life of run ")
    assert f"Days (UTC): {FIRST} to {LAST}" in alert.body
    assert f"Run: signal-backups backup --from {FIRST} --to {LAST}" in alert.body
    assert f"See: http://127.0.0.1:3000/runs/{run.run_id}" in alert.body
    assert notified() == []


def test_a_sign_of_life_is_enough(watched: World, ticks: Ticks, notified: Notified) -> None:
    run = killed(watched)
    ticks.now = last_sign(watched, run)
    watched.instance.report_engine_event("still at work", run)
    ticks.now += MAX_RUN_SILENCE - ONE_SECOND
    assert notified(timedelta()) == []


def test_the_repair_ends_it_and_requests_its_days(watched: World, repair: Ticks) -> None:
    run = killed(watched)
    repair.now = last_sign(watched, run)
    early = repair.tick(MAX_RUN_SILENCE - ONE_SECOND)
    assert (early.run_requests, status_of(watched, run)) == ([], STARTED)
    found = repair.tick(ONE_SECOND)
    assert status_of(watched, run) is dg.DagsterRunStatus.FAILURE
    (request,) = found.run_requests or []
    assert request.tags.items() >= range_tags(FIRST, LAST).items()
    assert watched.run_tagged(request.tags).success
    assert not repair.tick().run_requests


def test_it_is_an_alert_also_when_it_was_ended_before_anybody_saw_it(
    watched: World, ticks: Ticks, notified: Notified, repair: Ticks
) -> None:
    run = killed(watched)
    ticks.now = repair.now = last_sign(watched, run)
    repair.tick(MAX_RUN_SILENCE)
    (alert,) = notified(MAX_RUN_SILENCE + timedelta(minutes=2))
    assert alert.title.startswith("[signal-backups CRITICAL] 1 run is stuck: no sign of life of run ")
    assert alert.body.count("Since: ") == 1, "its days are not reported a second time"
    assert watched.run(FIRST, LAST).success
    (over,) = notified(STUCK_RUN_SHOWN)
    assert over.title.startswith("[signal-backups RECOVERED] 1 run is stuck")


def test_without_repair_it_is_ended_all_the_same(
    watched: World, repair: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_REPAIR", "false")
    run = killed(watched)
    repair.now = last_sign(watched, run)
    found = repair.tick(MAX_RUN_SILENCE)
    assert not found.run_requests
    assert status_of(watched, run) is dg.DagsterRunStatus.FAILURE


def test_a_day_that_another_run_works_on_is_left_to_it(watched: World, ticks: Ticks, notified: Notified) -> None:
    run = killed(watched)
    job = build_defs(resource_overrides=watched.overrides(), retry_policy=None).resolve_job_def(DAILY_BACKUP_JOB)
    waiting = dg.DagsterRunStatus.NOT_STARTED
    watched.instance.create_run_for_job(job, tags={"dagster/partition": LAST.isoformat()}, status=waiting)
    ticks.now = last_sign(watched, run)
    (alert,) = notified(MAX_RUN_SILENCE)
    assert f"Days (UTC): {FIRST} to {DAYS[1]}\n" in alert.body


def test_runs_of_others_in_the_same_instance_are_left_alone(watched: World, repair: Ticks) -> None:
    others = [
        watched.instance.add_run(dg.DagsterRun("somebody_elses_job", status=STARTED)),
        watched.instance.add_run(
            dg.DagsterRun("__ASSET_JOB", status=STARTED, asset_selection=frozenset({dg.AssetKey("theirs")}))
        ),
    ]
    repair.tick(timedelta(days=1))
    assert [status_of(watched, run) for run in others] == [STARTED, STARTED]


def test_the_sensor_of_alerts_ends_nothing(watched: World, ticks: Ticks) -> None:
    assert ticks.name == ALERT_SENSOR
    run = killed(watched)
    ticks.now = last_sign(watched, run)
    ticks.tick(MAX_RUN_SILENCE)
    assert status_of(watched, run) is STARTED
