"""Hard failures: nothing wrong is ever vouched for, and what stood before still stands."""

from pathlib import Path

import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.assets import day_run
from signal_backups.orchestration.assets.daily_backup_checks import CSV_PARSES, OBJECT_EQUALS_CSV, STORED_HASHES_VERIFY
from signal_backups.orchestration.failures import failed_days
from signal_backups.orchestration.names import BACKUP_OBJECT, HASHED_CSV
from signal_backups_tests.orchestration.faulty import DamagingStore, flip_last_digit_of_price
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number, signal
from signal_backups_tests.orchestration.world import (
    CHECK_FAILED,
    CHECK_PASSED,
    World,
    evaluations,
    materialized_days,
)

DAY = FIRST_DAY


@pytest.fixture
def csv_that_loses_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days whose CSV reads back to one signal less than was written."""
    honest = day_run.count_signals

    def count(path: Path) -> int:
        return honest(path) - (DAY.isoformat() in str(path))

    monkeypatch.setattr(day_run, "count_signals", count)


@pytest.fixture
def damaged(world: World) -> World:
    """A store that gives back another price than it was sent."""
    world.vault.store = DamagingStore(world.vault.store, flip_last_digit_of_price)
    return world


@pytest.mark.usefixtures("csv_that_loses_a_record")
def test_a_csv_that_does_not_read_back_fails_its_check_and_its_day(world: World) -> None:
    world.table.add_days(DAY, DAY)
    result = world.run(DAY)
    (answer,) = evaluations(result, CSV_PARSES)
    assert (answer.passed, answer.partition, answer.blocking) == (False, DAY.isoformat(), True)
    assert answer.description == "3 signals written, 2 read back"
    assert not result.success
    assert [(failure.day, failure.exit_code) for failure in failed_days(result)] == [(DAY, ExitCode.FAILED)]


@pytest.mark.usefixtures("csv_that_loses_a_record")
def test_a_csv_that_does_not_read_back_is_not_uploaded(world: World) -> None:
    world.table.add_days(DAY, DAY)
    result = world.run(DAY)
    assert world.store_versions() == []
    assert (materialized_days(result, HASHED_CSV), materialized_days(result, BACKUP_OBJECT)) == ([DAY], [])


@pytest.mark.usefixtures("csv_that_loses_a_record")
def test_in_a_range_only_that_day_is_kept_from_upload(world: World) -> None:
    world.table.add_days(DAY, day_number(2))
    result = world.run(DAY, day_number(2))
    assert materialized_days(result, BACKUP_OBJECT) == [day_number(1), day_number(2)]
    assert world.check_days(CSV_PARSES, CHECK_FAILED) == {DAY}
    assert world.check_days(CSV_PARSES, CHECK_PASSED) == {day_number(1), day_number(2)}


def test_an_object_that_comes_back_changed_fails_its_checks_and_its_day(damaged: World) -> None:
    damaged.table.add_days(DAY, DAY)
    result = damaged.run(DAY)
    for check in (OBJECT_EQUALS_CSV, STORED_HASHES_VERIFY):
        (answer,) = evaluations(result, check)
        assert not answer.passed
        assert "is not what was sent" in str(answer.description)
        assert damaged.check_days(check, CHECK_FAILED) == {DAY}
    assert [failure.day for failure in failed_days(result)] == [DAY]


def test_an_object_that_comes_back_changed_is_not_vouched_for(damaged: World) -> None:
    damaged.table.add_days(DAY, DAY)
    result = damaged.run(DAY)
    assert materialized_days(result, BACKUP_OBJECT) == []
    assert damaged.vault.manifest(BackupSlot(DAY)) is None


def test_after_a_damaged_upload_the_backup_before_it_still_stands(world: World) -> None:
    world.table.add_days(DAY, DAY)
    world.run(DAY)
    before = world.vault.manifest(BackupSlot(DAY))
    world.table.add(signal(DAY, 50))
    honest = world.vault.store
    world.vault.store = DamagingStore(honest, flip_last_digit_of_price)
    assert not world.run(DAY).success
    world.vault.store = honest
    assert world.vault.manifest(BackupSlot(DAY)) == before
    assert honest.head(before.backup.key, before.backup.version_id).size == before.backup.bytes
