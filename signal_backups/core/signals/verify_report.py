"""What a verification of a backup file expects and reports; verifying itself needs DuckDB and is in ``verify_csv``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Expected(BaseModel):
    """What a manifest promises of a file."""

    model_config = ConfigDict(frozen=True)

    records: int
    bytes: int
    sha256: str


class BadRow(BaseModel):
    """A row that failed; ``row`` counts from 1, the header not counted."""

    model_config = ConfigDict(frozen=True)

    row: int
    signal_id: str | None
    timestamp: str | None
    reason: str


class VerifyReport(BaseModel):
    """The outcome of one verification; ``problems`` is empty exactly when it passed."""

    model_config = ConfigDict(frozen=True)

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
        """Whether nothing is wrong."""
        return not self.problems
