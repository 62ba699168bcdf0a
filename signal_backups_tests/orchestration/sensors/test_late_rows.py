"""Which runs the sensor of late rows requests."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.writing import write_manifest
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import BACKUP_OBJECT
from signal_backups_tests.orchestration.signals import signal
from signal_backups_tests.orchestration.world import World, evaluations, materialized_days


@pytest.fixture
def last(world: World) -> date:
    """The last complete day; it and the nine before have signals and backups."""
    newest = last_complete_day()
    world.table.add_days(newest - timedelta(days=9), newest, signals_a_day=2)
    assert world.run(newest - timedelta(days=9), newest).success
    return newest


def sensor() -> dg.SensorDefinition:
    return build_defs().get_repository_def().get_sensor_def("late_rows_sensor")


def evaluated(world: World) -> SensorExecutionData:
    """A tick."""
    defs = build_defs(resource_overrides=world.overrides())
    repository = defs.get_repository_def()
    context = dg.build_sensor_context(world.instance, repository_def=repository, resources=defs.resources)
    with context:
        return repository.get_sensor_def("late_rows_sensor").evaluate_tick(context)


def requests(world: World) -> list[dg.RunRequest]:
    """What a tick requests."""
    return list(evaluated(world).run_requests or [])


def days_of(asked: list[dg.RunRequest]) -> list[str | None]:
    return [request.partition_key for request in asked]


def test_it_is_on_by_default_and_starts_the_daily_job() -> None:
    assert sensor().default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor().job_name == "daily_backup_job"


@pytest.mark.usefixtures("last")
def test_when_nothing_changed_it_requests_nothing_and_says_so(world: World) -> None:
    found = evaluated(world)
    assert found.run_requests == []
    assert "no day" in (found.skip_message or "")


def test_a_day_with_a_late_signal_is_requested(world: World, last: date) -> None:
    world.table.add(signal(last - timedelta(days=3), 50))
    assert days_of(requests(world)) == [str(last - timedelta(days=3))]


def test_the_run_it_requests_takes_the_late_signal_in(world: World, last: date) -> None:
    day = last - timedelta(days=6)
    world.table.add(signal(day, 50))
    (request,) = requests(world)
    result = world.run(date.fromisoformat(str(request.partition_key)))
    assert materialized_days(result, BACKUP_OBJECT) == [day]
    manifest = world.vault.manifest(BackupSlot(day))
    assert manifest is not None
    assert manifest.records == 3
    assert requests(world) == []


def test_a_change_is_requested_once_and_the_next_one_again(world: World, last: date) -> None:
    world.table.add(signal(last, 50))
    first, again = requests(world), requests(world)
    assert [request.run_key for request in first] == [request.run_key for request in again]
    world.table.add(signal(last, 51))
    assert requests(world)[0].run_key != first[0].run_key


def test_a_change_back_to_an_earlier_state_is_requested_too(world: World, last: date) -> None:
    world.table.add(signal(last, 50))
    keys = [requests(world)[0].run_key]
    assert world.run(last).success
    world.table.remove_day(last)
    keys.append(requests(world)[0].run_key)
    assert world.run(last).success
    world.table.add(*_day(last), signal(last, 50))
    keys.append(requests(world)[0].run_key)
    assert len(set(keys)) == 3


def test_a_deleted_signal_is_a_change(world: World, last: date) -> None:
    world.table.remove_day(last)
    assert days_of(requests(world)) == [str(last)]


def test_signals_that_vanish_are_asked_for_each_time_and_stay_in_the_backup(world: World, last: date) -> None:
    keys = []
    for _ in range(2):
        world.table.remove_day(last)
        keys += [request.run_key for request in requests(world)]
        result = world.run(last)
        (answer,) = [each for each in evaluations(result) if each.check_name == "source_agrees_with_backup"]
        assert (answer.passed, answer.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert (answer.description or "").startswith("in the database, since the backup: 2 vanished (")
        assert requests(world) == [], "nothing more until the database changes again"
        manifest = world.vault.manifest(BackupSlot(last))
        assert manifest is not None
        assert manifest.records == 2
        world.table.add(*_day(last))
        keys += [request.run_key for request in requests(world)]
        assert all(each.passed for each in evaluations(world.run(last)))
    assert len(set(keys)) == 4


def test_a_day_that_was_deleted_from_the_bucket_is_left_to_people(world: World, last: date) -> None:
    world.table.add(signal(last, 50))
    (backup,) = world.vault.backups(last, last)
    world.vault.store._client.delete_object(Bucket=world.vault.store.bucket, Key=backup.current.key)
    assert requests(world) == []


def test_older_days_and_days_without_a_backup_are_not_its_business(
    world: World, last: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.table.add(signal(last - timedelta(days=7), 50), signal(last + timedelta(days=1), 50))
    assert requests(world) == []
    world.table.add(signal(last - timedelta(days=6), 50))
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(last))
    assert requests(world) == []


def test_a_manifest_from_before_fingerprints_is_brought_up_to_date_once(world: World, last: date) -> None:
    slot = BackupSlot(last)
    manifest = world.vault.manifest(slot)
    assert manifest is not None
    old = manifest.model_copy(update={"fingerprint": None})
    write_manifest(world.vault, slot, old)
    assert days_of(requests(world)) == [str(last)]
    assert world.run(last).success
    renewed = world.vault.manifest(slot)
    assert renewed is not None
    assert (renewed.fingerprint, renewed.backup) == (manifest.fingerprint, manifest.backup)
    assert requests(world) == []


def test_a_database_that_is_gone_fails_the_tick(world: World, last: date, tmp_path: Path) -> None:
    assert last
    (tmp_path / "signals.db").unlink()
    with pytest.raises(Exception, match="no SQLite database"):
        requests(world)


def _day(day: date) -> list[dict[str, object]]:
    return [signal(day, number) for number in range(2)]
