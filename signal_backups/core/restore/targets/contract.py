"""The contract between a restore and anything that can hold signals.

A target imports one verified day at a time, whole or not at all, and has read back what it then holds before it says
so. It never removes a signal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class OnConflict(StrEnum):
    """What to do with a signal whose id is already there with another content."""

    ERROR = "error"
    SKIP = "skip"
    REPLACE = "replace"


@dataclass(frozen=True)
class DayToImport:
    """One day, verified.

    Attributes:
        day: the UTC day.
        csv: the rows, in any form ``csv_format.read_sql`` reads.
        records: how many there are.
        hash_column: name of the hash column for a table that has to be made.
        on_conflict: what to do with signals that are there.
        may_be_there: a day that is there already, wholly and alike, is no conflict (an interrupted restore goes on).
    """

    day: date
    csv: Path
    records: int
    hash_column: str
    on_conflict: OnConflict = OnConflict.ERROR
    may_be_there: bool = False


@dataclass(frozen=True)
class Imported:
    """The result of an import, in signals; ``import_seconds`` and ``verify_seconds`` are the durations of its parts.

    Attributes:
        restored: were not there before.
        replaced: were there with another content, and are now as backed up.
        skipped: were there and were left: alike, or by ``OnConflict.SKIP``.
        skipped_different: of the skipped, those whose content is not the backup's.
    """

    restored: int
    replaced: int
    skipped: int
    skipped_different: int
    import_seconds: float
    verify_seconds: float


class RestoreTarget(Protocol):
    """Somewhere to restore to.

    Every method raises ``TargetError`` when the target cannot be reached, is full, read-only, or does not have the
    shape that signals need; what was there before stays.
    """

    @property
    def location(self) -> str:
        """The target for people, without credentials."""

    def import_day(self, day: DayToImport) -> Imported:
        """Import a day, read it back, and commit only if it is right.

        Raises:
            SignalConflictError: ids are already there and ``on_conflict`` is ``ERROR``, or belong to another day.
            UnfitTargetError: its columns or constraints do not take these signals.
            ImportVerificationError: what the target holds is not what the backup says.
        """

    def import_quarantine(self, day: date, csv: Path, on_conflict: OnConflict) -> int:
        """Bring back the quarantined rows of a day, apart from the others; returns how many were not there.

        Args:
            day: the UTC day.
            csv: its quarantine CSV.
            on_conflict: for targets that hold them as one thing.

        Raises:
            SignalConflictError: they are there, with another content.
        """

    def rows_of(self, day: date) -> int | None:
        """How many signals of a day are there; None when nothing is there at all, not even a table."""
