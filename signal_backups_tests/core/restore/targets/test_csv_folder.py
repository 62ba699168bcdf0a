"""Restoring into a folder: complete files or none, and existing files are replaced only on request."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.base.errors import ExitCode, ImportVerificationError, SignalConflictError, TargetError
from signal_backups.core.restore.targets.contract import Imported, OnConflict
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups_tests.core.restore.places import importing
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY

NAME = "signals_backup_20261101_020000.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "a" / "restored"


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.restored, imported.replaced, imported.skipped, imported.skipped_different


def put(folder: Path, run: DayRun, on_conflict: OnConflict = OnConflict.ERROR, **changes: Any) -> Imported:
    return CsvFolderTarget(folder).import_day(importing(run, on_conflict=on_conflict, **changes))


def occupied(folder: Path, body: bytes = b"mine\n") -> Path:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(body)
    return folder / NAME


def test_the_file_has_the_name_and_the_bytes_of_the_backup(folder: Path, three: DayRun) -> None:
    assert counts(put(folder, three)) == (3, 0, 0, 0)
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert (folder / NAME).read_bytes() == three.csv


def test_an_equal_file_is_a_conflict_by_default(folder: Path, three: DayRun) -> None:
    put(folder, three)
    with pytest.raises(SignalConflictError, match="is already there, with the same content") as raised:
        put(folder, three)
    assert raised.value.exit_code is ExitCode.FAILED
    assert counts(put(folder, three, OnConflict.SKIP)) == (0, 0, 3, 0)
    assert counts(put(folder, three, OnConflict.REPLACE)) == (0, 0, 3, 0)
    assert counts(put(folder, three, may_exist=True)) == (0, 0, 3, 0)


@pytest.mark.parametrize("may_exist", [False, True])
def test_a_different_file_is_a_conflict_and_stays(folder: Path, three: DayRun, may_exist: bool) -> None:
    file = occupied(folder)
    with pytest.raises(SignalConflictError, match="with different content") as raised:
        put(folder, three, may_exist=may_exist)
    assert "--on-conflict skip" in raised.value.remedy
    assert file.read_bytes() == b"mine\n"


def test_a_different_file_can_be_skipped_and_is_counted(folder: Path, three: DayRun) -> None:
    file = occupied(folder)
    assert counts(put(folder, three, OnConflict.SKIP)) == (0, 0, 3, 3)
    assert file.read_bytes() == b"mine\n"


def test_a_different_file_can_be_replaced(folder: Path, three: DayRun) -> None:
    file = occupied(folder)
    assert counts(put(folder, three, OnConflict.REPLACE)) == (0, 3, 0, 0)
    assert file.read_bytes() == three.csv


def test_a_failed_copy_leaves_nothing_and_keeps_the_existing_file(
    folder: Path, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(source: Any, copy: Any) -> None:
        copy.write(source.read(10))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("signal_backups.core.restore.targets.csv_folder.shutil.copyfileobj", fails)
    with pytest.raises(TargetError, match="No space left on device") as raised:
        put(folder, three)
    assert raised.value.exit_code is ExitCode.UNREACHABLE
    assert list(folder.iterdir()) == []
    shutil.rmtree(folder)
    file = occupied(folder)
    with pytest.raises(TargetError):
        put(folder, three, OnConflict.REPLACE)
    assert list(folder.iterdir()) == [file]
    assert file.read_bytes() == b"mine\n"


def test_a_copy_that_reads_back_differently_is_not_put_in_place(
    folder: Path, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flips(source: Any, copy: Any) -> None:
        copy.write(source.read().replace(b"EURUSD", b"EURUSE", 1))

    monkeypatch.setattr("signal_backups.core.restore.targets.csv_folder.shutil.copyfileobj", flips)
    with pytest.raises(ImportVerificationError, match="is not what was written"):
        put(folder, three)
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path, three: DayRun) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetError, match="Not a directory"):
        put(tmp_path / "file" / "restored", three)


def test_count_signals_counts_the_rows_of_the_file(folder: Path, three: DayRun) -> None:
    target = CsvFolderTarget(folder)
    assert target.count_signals(DAY) is None
    put(folder, three)
    assert target.count_signals(DAY) == 3
    (folder / NAME).write_bytes(b"no backup\n")
    assert target.count_signals(DAY) == 0
