"""Rows that reach the database months late are found, and backed up beside what was there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from signal_backups.core.base.days import ONE_DAY, last_complete_day, utc_now
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.writing import write_manifest
from signal_backups.orchestration.assets.rolling_reconciliation import OLD_DAYS_UNCHANGED
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import LATE_ROWS_SENSOR, ROLLING_RECONCILIATION, job_name
from signal_backups_tests.orchestration.signals import signal
from signal_backups_tests.orchestration.world import QUIET, World, evaluations, materializations, metadata_of

LATE = timedelta(days=100)
SHORTEST_MONTH = 28


@pytest.fixture
def old(world: World, monkeypatch: pytest.MonkeyPatch) -> date:
    """A day a hundred days ago with two signals and a backup; the 30 before and all after it have neither."""
    day = last_complete_day() - LATE
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(day - timedelta(days=30)))
    world.table.add_days(day, day, signals_a_day=2)
    assert world.run(day).success
    return day


def compared(world: World) -> dg.ExecuteInProcessResult:
    """A night's run."""
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(job_name(ROLLING_RECONCILIATION))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def nights(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.ExecuteInProcessResult]:
    """One run a night for a month, by a clock that is a day later each time."""
    for night in range(SHORTEST_MONTH):
        monkeypatch.setattr(world.vault.store, "clock", lambda night=night: utc_now() + night * ONE_DAY)
        yield compared(world)


def answer(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (found,) = evaluations(result)
    assert found.check_name == OLD_DAYS_UNCHANGED
    return found


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = materializations(result, ROLLING_RECONCILIATION)
    return metadata_of(event)


def ticked(world: World) -> SensorExecutionData:
    defs = build_defs(resource_overrides=world.overrides())
    repository = defs.get_repository_def()
    with dg.build_sensor_context(world.instance, repository_def=repository, resources=defs.resources) as context:
        return repository.get_sensor_def(LATE_ROWS_SENSOR).evaluate_tick(context)


def requests(world: World) -> list[tuple[str | None, str | None]]:
    return [(request.partition_key, request.run_key) for request in ticked(world).run_requests or []]


def records(world: World, day: date) -> int:
    manifest = world.vault.manifest(BackupSlot(day))
    assert manifest is not None
    return manifest.records


def test_a_row_that_comes_a_hundred_days_late_is_found_within_a_month_and_added(
    world: World, old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.table.remove_day(old)
    world.table.add(signal(old, 50))
    assert requests(world) == []
    found = next(result for result in nights(world, monkeypatch) if not answer(result).passed)
    assert answer(found).severity is dg.AssetCheckSeverity.WARN
    assert str(answer(found).description).endswith(f"differ from their fingerprints: {old}")
    assert shown(found)["changed"] == str(old)
    ((day, key),) = requests(world)
    assert day == str(old)
    assert requests(world) == [(day, key)]
    assert world.run(old).success
    assert records(world, old) == 3, "what the database had before stays"
    assert answer(compared(world)).passed
    assert requests(world) == []


def test_a_night_goes_on_where_the_one_before_ended(world: World, old: date) -> None:
    first = old - timedelta(days=30)
    parts = [shown(compared(world))["days"] for _ in range(2)]
    assert parts == [f"{first} to {first + 6 * ONE_DAY}", f"{first + 7 * ONE_DAY} to {first + 13 * ONE_DAY}"]


def test_a_night_that_fails_is_made_up_for(world: World, old: date, monkeypatch: pytest.MonkeyPatch) -> None:
    first = old - timedelta(days=30)
    with monkeypatch.context() as patch:
        patch.setattr(world.vault, "stored_days", lambda *_: 1 / 0)
        assert not compared(world).success
    assert shown(compared(world))["days"] == f"{first} to {first + 6 * ONE_DAY}"


def test_days_without_a_backup_are_named_and_left_to_the_repair(
    world: World, old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(old - ONE_DAY))
    world.table.add(signal(old - ONE_DAY, 1), signal(old + ONE_DAY, 1))
    result = compared(world)
    assert answer(result).passed
    assert shown(result)["without_backup"] == f"{old - ONE_DAY}, {old + ONE_DAY} to {old + 3 * ONE_DAY}"
    assert requests(world) == []


def test_a_manifest_from_before_fingerprints_is_brought_up_to_date_without_a_warning(
    world: World, old: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(old))
    manifest = world.vault.manifest(BackupSlot(old))
    assert manifest is not None
    write_manifest(world.vault, BackupSlot(old), manifest.model_copy(update={"fingerprint": None}))
    result = compared(world)
    assert answer(result).passed
    assert [day for day, _ in requests(world)] == [str(old)]
    assert world.run(old).success
    renewed = world.vault.manifest(BackupSlot(old))
    assert renewed is not None
    assert renewed.fingerprint == manifest.fingerprint


def test_a_start_date_in_the_future_has_nothing_to_compare(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(last_complete_day() + 9 * ONE_DAY))
    assert answer(compared(world)).passed
