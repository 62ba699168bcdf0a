"""Restores into a folder of CSV files, one per day, with the names that they have in the bucket."""

from __future__ import annotations

import errno
import os
import shutil
import time
from datetime import date
from pathlib import Path

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ImportVerificationError, SignalConflictError, TargetError, VerificationError
from signal_backups.core.restore.targets.contract import DayToImport, Imported, OnConflict
from signal_backups.core.signals.csv_file import count_quarantined
from signal_backups.core.signals.verify_csv import count_signals
from signal_backups.core.vault.layout import BackupSlot, Layout


class CsvFolderTarget:
    """A ``RestoreTarget`` that is a folder; it gets exact copies of the verified files, in a dry run none."""

    def __init__(self, folder: Path, *, dry_run: bool = False) -> None:
        self._folder = folder.absolute()
        self._dry_run = dry_run

    @property
    def location(self) -> str:
        """See ``RestoreTarget.location``."""
        return f"folder {self._folder}"

    def import_day(self, day: DayToImport) -> Imported:
        """See ``RestoreTarget.import_day``; a file with the same name and different bytes is a conflict."""
        started = time.perf_counter()
        target = self._file(day.day)
        try:
            exists = target.exists()
            is_equal = exists and digest(target).sha256 == digest(day.csv).sha256
            if exists and (is_equal or day.on_conflict is OnConflict.SKIP):
                return self._skipped(day, started, is_equal=is_equal)
            if exists and day.on_conflict is OnConflict.ERROR:
                raise _conflict(target, "with different content", kept=f"Nothing of {day.day} was changed")
            copied = self._copy(day.csv, target)
        except OSError as error:
            raise _unwritable(target, error) from error
        restored, replaced = (0, day.records) if exists else (day.records, 0)
        return Imported(restored, replaced, 0, 0, copied - started, time.perf_counter() - copied)

    def import_quarantine(self, day: date, csv: Path, on_conflict: OnConflict) -> int:
        """See ``RestoreTarget.import_quarantine``; the rows go to a file of their own."""
        target = self._folder / Path(Layout().quarantine_key(BackupSlot(day))).name
        try:
            if target.exists() and (on_conflict is OnConflict.SKIP or digest(target) == digest(csv)):
                return 0
            if target.exists() and on_conflict is OnConflict.ERROR:
                raise _conflict(target, "with different content", kept="This file was not changed")
            self._copy(csv, target)
        except OSError as error:
            raise _unwritable(target, error) from error
        return count_quarantined(csv)

    def count_signals(self, day: date) -> int | None:
        """See ``RestoreTarget.count_signals``."""
        target = self._file(day)
        if not target.exists():
            return None
        try:
            return count_signals(target)
        except VerificationError:
            return 0

    def _copy(self, csv: Path, target: Path) -> float:
        """Copy a file as a whole; returns when the copy was written."""
        if self._dry_run:
            _require_writable(target)
            return time.perf_counter()
        self._folder.mkdir(parents=True, exist_ok=True)
        return _copy_whole(csv, target)

    def _skipped(self, day: DayToImport, started: float, *, is_equal: bool) -> Imported:
        if is_equal and day.on_conflict is OnConflict.ERROR and not day.may_exist:
            raise _conflict(self._file(day.day), "with the same content", kept=f"Nothing of {day.day} was changed")
        different = 0 if is_equal else day.records
        return Imported(0, 0, day.records, different, time.perf_counter() - started, 0.0)

    def _file(self, day: date) -> Path:
        return self._folder / Path(Layout().backup_key(BackupSlot(day))).name


def _require_writable(target: Path) -> None:
    """Find what would keep a file from being written, without writing it."""
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    nearest = next(folder for folder in target.parents if folder.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _unwritable(target: Path, error: OSError) -> TargetError:
    return TargetError(
        f"cannot write {target}: {error.strerror or error}",
        remedy="Existing files were not changed. Check that the folder is writable and the disk has free space",
    )


def _conflict(target: Path, how: str, kept: str) -> SignalConflictError:
    return SignalConflictError(
        f"{target} is already there, {how}",
        remedy=f"{kept}. Keep it with --on-conflict skip, or replace it with --on-conflict replace",
    )


def _copy_whole(csv: Path, target: Path) -> float:
    """Copy a file atomically, flush it to disk and read it back; returns when the copy was written."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        with csv.open("rb") as source, unfinished.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        copied = time.perf_counter()
        if digest(unfinished) != digest(csv):
            raise ImportVerificationError(
                f"{target} is not what was written", remedy="Check the disk; existing files were not changed"
            )
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return copied
