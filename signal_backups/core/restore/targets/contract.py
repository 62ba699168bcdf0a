"""The contract of restore targets.

A target imports one verified day at a time, completely or not at all, and reads it back before it reports success. It
never removes a signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class OnConflict(StrEnum):
    """What to do with a signal of a day whose id the target already has on that day, with different content."""

    ERROR = "error"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class DayToImport:
    """One verified day.

    Attributes:
        day: the UTC day.
        csv: the rows, in any form that ``csv_file.read_sql`` reads.
        records: how many there are.
        hash_column: name of the hash column if the table has to be created.
        on_conflict: what to do with signals that are already there.
        may_exist: whether a day that is already there, complete and equal, is no conflict; set when an interrupted
            restore continues.
    """

    day: date
    csv: Path
    records: int
    hash_column: str
    on_conflict: OnConflict = OnConflict.ERROR
    may_exist: bool = False


@dataclass(frozen=True)
class Imported:
    """The result of an import. Counts are signals.

    Attributes:
        restored: were not in the target before.
        replaced: were in the target with different content, and are now as in the backup.
        skipped: were in the target and left as they are: equal, or kept by ``OnConflict.SKIP``.
        skipped_different: skipped signals whose content differs from the backup.
        import_seconds: how long writing took.
        verify_seconds: how long reading back and comparing took.
    """

    restored: int
    replaced: int
    skipped: int
    skipped_different: int
    import_seconds: float
    verify_seconds: float


class RestoreTarget(Protocol):
    """A database or folder to restore to.

    Every method raises ``TargetError`` if the target cannot be reached, is full or read-only, or lacks required
    columns; its content then stays as it was.
    """

    @property
    def location(self) -> str:
        """The target as shown to people, without credentials."""

    def import_day(self, day: DayToImport) -> Imported:
        """Import a day, read it back, and commit only if it equals the backup.

        Raises:
            SignalConflictError: signals of the day are already there and ``on_conflict`` is ``ERROR``, or the target
                has their ids on another day and does not take an id twice.
            UnfitTargetError: its columns or constraints do not accept these signals.
            ImportVerificationError: the imported signals differ from the backup.
        """

    def import_quarantine(self, day: date, csv: Path, on_conflict: OnConflict) -> int:
        """Restore the quarantined rows of a day, separate from the others; returns how many were not there before.

        Args:
            day: the UTC day.
            csv: its quarantine CSV.
            on_conflict: what a target that stores them as one file does with an existing file.

        Raises:
            SignalConflictError: they are already there with different content.
        """

    def count_signals(self, day: date) -> int | None:
        """Return how many signals of a day are in the target; None if it has no table or file for them."""
