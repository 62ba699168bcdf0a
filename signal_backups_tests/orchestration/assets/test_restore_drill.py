"""The restore drill as Dagster shows it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.drill import rto
from signal_backups.core.ledger.event import Action
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.writing import write_manifest
from signal_backups.orchestration.assets.restore_drill import RESTORES_EVERYTHING, RTO_WITHIN_OBJECTIVE, SOURCE_MATCHES
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import RESTORE_DRILL, job_name
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.orchestration.prepared import PreparedDays
from signal_backups_tests.orchestration.signals import forged_signal, signal
from signal_backups_tests.orchestration.world import (
    BUCKET,
    QUIET,
    World,
    empty_s3,
    evaluations,
    materializations,
    metadata_of,
    own_settings,
    table_rows,
    world_in,
)

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@pytest.fixture(scope="module")
def last() -> date:
    """The last complete day."""
    return last_complete_day()


@pytest.fixture(scope="module")
def nine_days(last: date, tmp_path_factory: pytest.TempPathFactory) -> PreparedDays:
    """That day and the eight before, with signals and backups."""
    folder, s3 = tmp_path_factory.mktemp("nine-days"), empty_s3()
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        own_settings(folder, patch)
        world = world_in(folder, s3, instance)
        world.table.add_days(last - timedelta(days=8), last)
        world.table.add(forged_signal(last, 70))
        world.run(last - timedelta(days=8), last)
    return PreparedDays(folder, s3)


@pytest.fixture
def world(nine_days: PreparedDays, instance: dg.DagsterInstance, tmp_path: Path) -> World:
    """A copy of those days."""
    return nine_days.on(instance, tmp_path)


def hold_drill(world: World, **config: int) -> dg.ExecuteInProcessResult:
    """Run the drill's job."""
    overrides = {**world.overrides(), **world.named_database()}
    job = build_defs(resource_overrides=overrides).resolve_job_def(job_name(RESTORE_DRILL))
    return job.execute_in_process(
        instance=world.instance,
        run_config={"loggers": QUIET, "ops": {"restore_drill": {"config": config}}},
        raise_on_error=False,
    )


def answers(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, dg.AssetCheckSeverity]]:
    return {answer.check_name: (answer.passed, answer.severity) for answer in evaluations(result)}


def test_a_drill_shows_its_figures_and_passes_its_checks(world: World, last: date) -> None:
    result = hold_drill(world)
    assert result.success
    (recorded,) = recorded_events(world.vault, Action.DRILL)
    assert (recorded.result, recorded.actor.run_id) == ("passed", result.run_id)
    (event,) = materializations(result, RESTORE_DRILL)
    shown = metadata_of(event)
    assert (shown["days"], shown["rows"], shown["rto_forecast_days"]) == (8, 24, 9)
    for phase in ("download", "verify", "import", "verify_import", "compare"):
        assert shown[f"{phase}_seconds"] >= 0
    assert 0 < shown["rto_forecast_seconds"] < rto.RTO_OBJECTIVE_S
    assert shown["rows_per_second"] > 0
    drilled = table_rows(event.metadata["drilled"])
    assert [row["day"] for row in drilled][-1] == str(last)
    assert {row["outcome"] for row in drilled} == {"restored"}
    assert {name: passed for name, (passed, _) in answers(result).items()} == {
        RESTORES_EVERYTHING: True,
        SOURCE_MATCHES: True,
        RTO_WITHIN_OBJECTIVE: True,
    }


def test_numbers_are_numbers_so_that_they_plot(world: World) -> None:
    (event,) = materializations(hold_drill(world, recent_days=1), RESTORE_DRILL)
    plotted = {
        name for name, value in event.metadata.items() if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
    }
    assert plotted >= {"rows", "rows_per_second", "rto_forecast_seconds", "import_seconds", "total_seconds"}


def test_late_signals_warn(world: World, last: date) -> None:
    world.table.add(signal(last, 60))
    result = hold_drill(world, recent_days=2)
    assert answers(result)[SOURCE_MATCHES] == (False, WARN)
    (found,) = evaluations(result, dg.AssetCheckKey(RESTORE_DRILL, SOURCE_MATCHES))
    assert metadata_of(found)["late"] == 1
    assert f"{last:%Y%m%d}-0060" in metadata_of(found)["late_signal_ids"]


def test_deleted_signals_fail(world: World, last: date) -> None:
    world.table.remove_day(last)
    result = hold_drill(world, recent_days=2)
    assert result.success
    assert answers(result)[SOURCE_MATCHES] == (False, ERROR)
    assert answers(result)[RESTORES_EVERYTHING][0] is True


def test_a_backup_that_does_not_come_back_fails(world: World, last: date) -> None:
    slot = BackupSlot(last)
    manifest = world.vault.manifest(slot)
    assert manifest is not None
    write_manifest(world.vault, slot, manifest.model_copy(update={"records": 77}))
    result = hold_drill(world, recent_days=2)
    assert answers(result)[RESTORES_EVERYTHING] == (False, ERROR)
    (found,) = evaluations(result, dg.AssetCheckKey(RESTORE_DRILL, RESTORES_EVERYTHING))
    assert "77" in str(found.description)


@pytest.mark.parametrize(("share", "answer"), [(0.79, True), (0.81, WARN), (1.01, ERROR)])
def test_the_rto_warns_from_80_per_cent_and_fails_beyond_the_objective(
    world: World, share: float, answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rto.RtoForecast, "share", property(lambda _: share))
    passed, severity = answers(hold_drill(world, recent_days=1))[RTO_WITHIN_OBJECTIVE]
    assert (passed or severity) == answer


def test_the_number_of_days_can_be_configured(world: World) -> None:
    (event,) = materializations(hold_drill(world, recent_days=2), RESTORE_DRILL)
    assert metadata_of(event)["days"] == 3


def test_a_drill_that_cannot_be_held_fails_its_run_and_says_why(world: World) -> None:
    result = hold_drill(world.in_bucket(empty_s3().client(), BUCKET))
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "no backups in" in str(failure.step_failure_data.user_failure_data)
