"""The result of a restore, for each day and as an exit code."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel

from signal_backups.core.base.errors import ExitCode, SignalBackupsError

#: If there are several failures, the exit code is the first of these that occurred.
_MOST_SEVERE_FIRST = (ExitCode.UNREACHABLE, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOT_FOUND, ExitCode.THAWING)


class Outcome(StrEnum):
    """How a day ended."""

    RESTORED = "restored"
    ALREADY_THERE = "already there"
    IN_PART = "restored in part"
    REFUSED = "refused"
    CONFLICT = "conflict"
    MISSING = "missing"
    ARCHIVED = "archived"
    FAILED = "failed"
    NOT_ATTEMPTED = "not attempted"


class DayRestore(BaseModel, frozen=True):
    """One day. Counts are signals, times are seconds; ``problem`` and ``remedy`` are set if something failed.

    Attributes:
        refused: rows of a damaged backup that were not imported; they are in ``refused_file``.
        skipped_different: skipped signals whose content in the target differs from the backup.
        quarantined: quarantined rows that were restored beside the others.
    """

    day: date
    outcome: Outcome
    key: str | None = None
    version_id: str | None = None
    is_current: bool | None = None
    lost_version_id: str | None = None
    has_manifest: bool | None = None
    records: int = 0
    restored: int = 0
    replaced: int = 0
    skipped: int = 0
    skipped_different: int = 0
    refused: int = 0
    refused_file: str | None = None
    quarantined: int = 0
    seconds: dict[str, float] = {}
    problem: str | None = None
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.OK

    @classmethod
    def failed(cls, day: date, outcome: Outcome, error: SignalBackupsError, **known: object) -> DayRestore:
        """Return the result of a day that ended with an error."""
        return cls.model_validate(
            {
                "day": day,
                "outcome": outcome,
                "problem": error.what,
                "remedy": error.remedy or None,
                "exit_code": error.exit_code,
                **known,
            }
        )

    def in_part(self, error: SignalBackupsError) -> DayRestore:
        """This result, after an error left out something else of the day."""
        problem = f"{self.problem}; {error.what}" if self.problem else error.what
        remedy = ". ".join(part for part in (self.remedy, error.remedy) if part)
        codes = {self.exit_code, error.exit_code}
        found = {
            "outcome": Outcome.IN_PART,
            "problem": problem,
            "remedy": remedy or None,
            "exit_code": _most_severe(codes),
        }
        return self.model_copy(update=found)


class RestoreReport(BaseModel, frozen=True):
    """All days, oldest first."""

    target: str
    days: list[DayRestore]
    seconds: float

    @property
    def exit_code(self) -> ExitCode:
        """OK if every day is in the target, else the most severe failure."""
        return _most_severe({day.exit_code for day in self.days})

    def total(self, count: str) -> int:
        """Return the sum of one of the counts over all days."""
        return sum(int(getattr(day, count)) for day in self.days)


def _most_severe(codes: set[ExitCode]) -> ExitCode:
    return next((code for code in _MOST_SEVERE_FIRST if code in codes), ExitCode.OK)
