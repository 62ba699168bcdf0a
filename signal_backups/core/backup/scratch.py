"""What one backup stage leaves for the next: a folder a day, with the bytes and a report beside them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.errors import StageInputMissingError

#: Scratch of a run that nobody knows any more is swept after this long.
ORPHAN_AGE_S = 24 * 3600


class StageReport(BaseModel):
    """Base of the reports; immutable, stored as JSON in ``file_name`` beside the stage's files."""

    model_config = ConfigDict(frozen=True, extra="forbid")
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
    def backup_csv(self) -> Path:
        """The backup CSV as it will be stored."""
        return self.path / "backup.csv"

    @property
    def quarantine_csv(self) -> Path:
        """The quarantine CSV; only there when a row was quarantined."""
        return self.path / "quarantine.csv"

    @property
    def downloaded_csv(self) -> Path:
        """What the store returned for the backup."""
        return self.path / "downloaded.csv"

    def save(self, report: StageReport) -> None:
        """Record that a stage is done."""
        (self.path / report.file_name).write_text(report.model_dump_json(), encoding="utf-8")

    def load(self, kind: type[Report], stage: str) -> Report:
        """The report of an earlier stage.

        Raises:
            StageInputMissingError: the stage did not run here, or its scratch is gone.
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
    """The scratch root: a folder a run, in it a folder a day."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def day(self, run_id: str, day: date) -> Iterator[DayFolder]:
        """The folder of one day, removed on the way out; what a crash leaves, ``sweep`` removes."""
        path = self._root / run_id / day.isoformat()
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        try:
            yield DayFolder(path, day)
        finally:
            shutil.rmtree(path, ignore_errors=True)
            if not any(path.parent.iterdir()):
                path.parent.rmdir()

    def sweep(self, is_finished: Callable[[str], bool | None], now: Callable[[], float] = time.time) -> list[str]:
        """Remove what crashed runs left and return their ids.

        Args:
            is_finished: returns whether the run of an id has ended; None when it is unknown (then age decides).
            now: seconds since 1970, for tests.
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
