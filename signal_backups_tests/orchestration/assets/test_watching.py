"""The factory of the watching assets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from signal_backups.core.base.errors import StoreError
from signal_backups.core.base.objectives import MAX_EXAMINATION_TIME, MAX_STAGE_TIME
from signal_backups.orchestration.assets import watching
from signal_backups.orchestration.assets.heartbeat import Heartbeat
from signal_backups.orchestration.assets.watching import (
    Examine,
    WatchingAsset,
    WatchingSpec,
    build_watching_asset,
    failing_in_plain_words,
)
from signal_backups_tests.orchestration.world import QUIET

SPEC = WatchingSpec(
    key=dg.AssetKey("weather"),
    description="Does it rain?",
    checks={"it_is_dry": "No rain."},
    job_description="Go outside.",
    schedule_description="Observes.",
    cron="5 4 * * *",
    max_age=timedelta(hours=25),
)


def it_is_dry() -> Iterator[dg.MaterializeResult[Any]]:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="it_is_dry", passed=True)])


def failing(error: StoreError) -> Examine:
    def examine() -> Iterator[dg.MaterializeResult[Any]]:
        raise error
        yield

    return examine


def run(watching: WatchingAsset, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    defs = dg.Definitions(assets=[watching.asset], jobs=[watching.job], executor=dg.in_process_executor)
    job = defs.resolve_job_def(watching.job.name)
    return job.execute_in_process(instance=instance, run_config={"loggers": QUIET}, raise_on_error=False)


def test_an_asset_comes_with_its_job_and_a_schedule_that_is_on() -> None:
    watching = build_watching_asset(SPEC, it_is_dry)
    assert (watching.job.name, watching.job.description) == ("weather_job", "Go outside.")
    schedule = watching.schedule
    assert (schedule.name, schedule.job_name, schedule.cron_schedule) == (
        "weather_schedule",
        "weather_job",
        "5 4 * * *",
    )
    assert (schedule.execution_timezone, schedule.description) == ("UTC", "Observes.")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    spec = watching.asset.get_asset_spec(SPEC.key)
    assert (spec.group_name, spec.kinds, spec.description) == ("bucket_watch", {"s3"}, "Does it rain?")
    assert spec.freshness_policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=25))


def test_what_it_finds_goes_into_its_checks(instance: dg.DagsterInstance) -> None:
    result = run(build_watching_asset(SPEC, it_is_dry), instance)
    assert result.success
    assert [(check.check_name, check.passed) for check in result.get_asset_check_evaluations()] == [("it_is_dry", True)]


def test_an_error_fails_the_run_with_its_own_message(instance: dg.DagsterInstance) -> None:
    result = run(build_watching_asset(SPEC, failing(StoreError("it is dark"))), instance)
    assert not result.success
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == "it is dark"


def test_it_may_work_for_hours_before_it_seems_to_hang(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[timedelta] = []

    class Noting(Heartbeat):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            patience.append(timedelta(seconds=self._patience_s))

    monkeypatch.setattr(watching, "Heartbeat", Noting)
    assert run(build_watching_asset(SPEC, it_is_dry), instance).success
    assert patience == [MAX_EXAMINATION_TIME]
    assert MAX_EXAMINATION_TIME > MAX_STAGE_TIME


@pytest.mark.parametrize("transient", [True, False])
def test_only_an_error_that_may_pass_allows_a_retry(transient: bool) -> None:
    examine = failing_in_plain_words(failing(StoreError("it is dark", transient=transient)))
    with pytest.raises(dg.Failure) as raised:
        list(examine())
    assert raised.value.allow_retries is transient
