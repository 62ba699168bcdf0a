"""What is kept of the rows that belong to no day."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from signal_backups.core.vault.manifest import StoredFile


class UndatedRow(BaseModel, frozen=True):
    """A row that belongs to no day, and why."""

    signal_id: str | None
    timestamp: str | None
    reason: str


class UndatedRows(BaseModel, frozen=True):
    """The rows that belong to no day, kept in an object of their own.

    Attributes:
        stored: the version that holds them all; None when there never was one.
        rows: how many it holds.
        in_database: how many of them the database still has.
        reasons: of those, how many there are for each reason.
        named: the first of those.
    """

    stored: StoredFile | None = None
    rows: int = 0
    in_database: int = 0
    reasons: Mapping[str, int] = {}
    named: list[UndatedRow] = []

    def __str__(self) -> str:
        """In words: how many there are in the database, why, and the first ids."""
        why = ", ".join(f"{count:,} {reason}" for reason, count in self.reasons.items())
        ids = ", ".join(str(row.signal_id) for row in self.named)
        more = ", ..." if self.in_database > len(self.named) else ""
        return f"{self.in_database:,}: {why} (ids {ids}{more})"
