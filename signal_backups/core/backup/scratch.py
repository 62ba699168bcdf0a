"""Scratch folders in which a backup stage leaves its files and a report for the next stage, one per day."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel

from signal_backups.core.base.errors import StageInputMissingError
from signal_backups.core.base.local_files import written_locally

#: Scratch of an unknown run is removed after this long.
ORPHAN_AGE_S = 24 * 3600


class StageReport(BaseModel, frozen=True, extra="forbid"):
    """Base of the stages' reports; stored as JSON in ``file_name`` next to the stage's files."""

    file_name: ClassVar[str]


Report = TypeVar("Report", bound=StageReport)


class DayFolder:
    """The scratch folder of one day of one run."""

    def __init__(self, path: Path, day: date) -> None:
        self.path = path
        self.day = day

    @property
    def extract(self) -> Path:
        """The extracted rows, an Arrow IPC file, in backup order."""
        return self.path / "extract.arrow"

    @property
    def merged(self) -> Path:
        """The extract merged with the backup, in the same form; exists only when the extract alone would be less."""
        return self.path / "merged.arrow"

    @property
    def rows(self) -> Path:
        """The rows to back up: ``merged`` where there is one, else ``extract``."""
        return self.merged if self.merged.exists() else self.extract

    @property
    def carried_csv(self) -> Path:
        """Quarantined rows of the backup that the database no longer has, without a header; seldom there."""
        return self.path / "carried.csv"

    @property
    def large_values(self) -> Path:
        """Folder of the values that are too long for a row, in pieces; exists only when there are any."""
        return self.path / "large_values"

    @property
    def carried_pieces_csv(self) -> Path:
        """Pieces of the values of the rows in ``carried_csv``, without a header."""
        return self.path / "carried_pieces.csv"

    @property
    def replaced_csv(self) -> Path:
        """Signals of the backup that a replacement leaves out; exists only for one."""
        return self.path / "replaced.csv"

    @property
    def vouched_csv(self) -> Path:
        """The backup that the extract is compared with, as downloaded."""
        return self.path / "vouched.csv"

    @property
    def vouched_quarantine(self) -> Path:
        """The quarantine of that backup, as downloaded."""
        return self.path / "vouched_quarantine.csv"

    @property
    def backup_csv(self) -> Path:
        """The backup CSV as it will be stored."""
        return self.path / "backup.csv"

    @property
    def quarantine_csv(self) -> Path:
        """The quarantine CSV; exists only when a row was quarantined."""
        return self.path / "quarantine.csv"

    @property
    def downloaded_csv(self) -> Path:
        """The backup as read back from the store."""
        return self.path / "downloaded.csv"

    def save(self, report: StageReport) -> None:
        """Save the report of a finished stage."""
        (self.path / report.file_name).write_text(report.model_dump_json(), encoding="utf-8")

    def load(self, kind: type[Report], stage: str) -> Report:
        """Load the report of an earlier stage.

        Raises:
            StageInputMissingError: the stage did not run in this run, or its scratch was removed.
        """
        path = self.path / kind.file_name
        if not path.is_file():
            raise StageInputMissingError(
                f"the output of {stage} for {self.day} is not in this run",
                remedy="Scratch files live only as long as their run: select signal_extract, hashed_csv and "
                "backup_object together (or the job daily_backup_job)",
            )
        return kind.model_validate_json(path.read_text(encoding="utf-8"))


class Scratch:
    """The scratch root: one folder per run, with one folder per day."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def day(self, run_id: str, day: date) -> Iterator[DayFolder]:
        """Create the folder of one day and remove it afterwards; ``sweep`` removes what a crash leaves behind.

        Raises:
            LocalStorageError: it, or a file in it, cannot be written.
        """
        path = self._root / run_id / day.isoformat()
        shutil.rmtree(path, ignore_errors=True)
        try:
            with written_locally(path):
                path.mkdir(parents=True)
                yield DayFolder(path, day)
        finally:
            shutil.rmtree(path, ignore_errors=True)
            with suppress(OSError):  # it was not created, or other days are in it
                path.parent.rmdir()

    def sweep(self, is_finished: Callable[[str], bool | None], now: Callable[[], float] = time.time) -> list[str]:
        """Remove the scratch of crashed runs, and return their ids.

        Args:
            is_finished: returns whether the run with an id has ended; None when it is unknown (then its age decides).
            now: the clock, in seconds since 1970.
        """
        swept = []
        for folder in sorted(self._root.glob("*/")):
            finished = is_finished(folder.name)
            if finished is None:
                finished = now() - folder.stat().st_mtime > ORPHAN_AGE_S
            if finished:
                shutil.rmtree(folder, ignore_errors=True)
                swept.append(folder.name)
        return swept
