"""Check of this machine: free disk space for the files of a run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from signal_backups.core.doctor.finding import DoctorResult, failed, ok

#: A run needs at most three times the size of a day: the extract, the CSV, and the copy read back from the store.
COPIES_OF_A_DAY = 3
#: Log files, Dagster's database and DuckDB's spill files need this much, however small a day is.
MIN_FREE_BYTES = 256 * 1024**2


def has_free_space(home: Path, largest_day: int) -> DoctorResult:
    """Check that the folder of local state is writable and has space for a day's files.

    Args:
        home: the folder; it need not exist yet.
        largest_day: size of the largest backup in bytes; 0 when unknown.
    """
    folder = home.absolute()
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return failed(f"{folder} cannot be written", "Name another folder in SIGNAL_BACKUPS_HOME")
    needed = max(MIN_FREE_BYTES, COPIES_OF_A_DAY * largest_day)
    free = shutil.disk_usage(folder).free
    found = f"{_mb(free)} free in {folder}, {_mb(needed)} needed"
    return (
        ok(found) if free >= needed else failed(found, "Free some space, or name another disk in SIGNAL_BACKUPS_HOME")
    )


def _mb(count: int) -> str:
    return f"{count / 10**6:,.0f} MB"
