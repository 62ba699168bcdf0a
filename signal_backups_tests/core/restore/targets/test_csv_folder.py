"""Restoring into a folder: the stored bytes, whole or not at all, over nobody's file unasked."""

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
    """A folder that is not there yet."""
    return tmp_path / "a" / "restored"


def counts(imported: Imported) -> tuple[int, int, int, int]:
    return imported.restored, imported.replaced, imported.skipped, imported.skipped_different


def put(folder: Path, run: DayRun, on_conflict: OnConflict = OnConflict.ERROR, **changes: Any) -> Imported:
    return CsvFolderTarget(folder).import_day(importing(run, on_conflict=on_conflict, **changes))


def occupied(folder: Path, body: bytes = b"mine\n") -> Path:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(body)
    return folder / NAME


def test_the_bytes_are_those_of_the_backup_under_its_name(folder: Path, three: DayRun) -> None:
    assert counts(put(folder, three)) == (3, 0, 0, 0)
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert (folder / NAME).read_bytes() == three.csv


def test_a_file_that_is_alike_is_a_conflict_unless_asked(folder: Path, three: DayRun) -> None:
    put(folder, three)
    with pytest.raises(SignalConflictError, match="is already there, alike") as raised:
        put(folder, three)
    assert raised.value.exit_code is ExitCode.FAILED
    assert counts(put(folder, three, OnConflict.SKIP)) == (0, 0, 3, 0)
    assert counts(put(folder, three, OnConflict.REPLACE)) == (0, 0, 3, 0)
    assert counts(put(folder, three, may_be_there=True)) == (0, 0, 3, 0)


@pytest.mark.parametrize("may_be_there", [False, True])
def test_another_file_is_a_conflict_and_stays(folder: Path, three: DayRun, may_be_there: bool) -> None:
    file = occupied(folder)
    with pytest.raises(SignalConflictError, match="with another content") as raised:
        put(folder, three, may_be_there=may_be_there)
    assert "--on-conflict skip" in raised.value.remedy
    assert file.read_bytes() == b"mine\n"


def test_another_file_is_skipped_and_counted_as_different(folder: Path, three: DayRun) -> None:
    file = occupied(folder)
    assert counts(put(folder, three, OnConflict.SKIP)) == (0, 0, 3, 3)
    assert file.read_bytes() == b"mine\n"


def test_another_file_is_replaced_when_asked(folder: Path, three: DayRun) -> None:
    file = occupied(folder)
    assert counts(put(folder, three, OnConflict.REPLACE)) == (0, 3, 0, 0)
    assert file.read_bytes() == three.csv


def test_a_copy_that_breaks_off_leaves_nothing_and_keeps_what_was_there(
    folder: Path, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(source: Any, copy: Any) -> None:
        copy.write(source.read(10))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("signal_backups.core.restore.targets.csv_folder.shutil.copyfileobj", breaks_off)
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


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, three: DayRun) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TargetError, match="Not a directory"):
        put(tmp_path / "file" / "restored", three)


def test_rows_of_counts_what_is_there(folder: Path, three: DayRun) -> None:
    target = CsvFolderTarget(folder)
    assert target.rows_of(DAY) is None
    put(folder, three)
    assert target.rows_of(DAY) == 3
    (folder / NAME).write_bytes(b"no backup\n")
    assert target.rows_of(DAY) == 0
