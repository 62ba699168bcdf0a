"""This machine: room for the files of a run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from signal_backups.core.doctor.finding import DoctorResult, failed, well

#: A day needs at most three times its size: the extract, the CSV, and the copy read back from the store.
COPIES_OF_A_DAY = 3
#: Less is not enough for logs, Dagster's database and DuckDB's spill, whatever a day has.
MIN_FREE_BYTES = 256 * 1024**2


def has_room(home: Path, largest_day: int) -> DoctorResult:
    """The folder of local state can be written and holds a day's files.

    Args:
        home: the folder; it need not be there yet.
        largest_day: bytes of the largest backup; 0 when unknown.
    """
    folder = home.absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return failed(f"{folder} cannot be written", "Name another folder in SIGNAL_BACKUPS_HOME")
    needed = max(MIN_FREE_BYTES, COPIES_OF_A_DAY * largest_day)
    free = shutil.disk_usage(folder).free
    words = f"{_mb(free)} free in {folder}, {_mb(needed)} needed"
    return well(words) if free >= needed else failed(words, "Make room, or name another disk in SIGNAL_BACKUPS_HOME")


def _mb(count: int) -> str:
    return f"{count / 10**6:,.0f} MB"
