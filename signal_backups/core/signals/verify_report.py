"""What a verification of a backup file expects, and its result; separate from ``verify_csv``, which needs DuckDB."""

from __future__ import annotations

from pydantic import BaseModel


class Expected(BaseModel, frozen=True):
    """What the manifest of a file says: number of signals, size, and SHA-256 (hex)."""

    records: int
    bytes: int
    sha256: str


class BadRow(BaseModel, frozen=True):
    """A row that does not match its hash; ``row`` counts from 1, without the header."""

    row: int
    signal_id: str | None
    timestamp: str | None
    reason: str


class VerifyReport(BaseModel, frozen=True):
    """The result of one verification; it passed if ``problems`` is empty."""

    bytes: int
    sha256: str
    records: int | None = None
    rows_hashed: int = 0
    integer_form_rows: int = 0
    bad_row_count: int = 0
    bad_rows: list[BadRow] = []
    repeated_ids: list[str] = []
    problems: list[str] = []
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems
