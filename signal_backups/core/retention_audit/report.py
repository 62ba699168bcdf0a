"""What a retention audit found, as data: aspects and states of every day, problems, counts; goes to JSON and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

#: Of a kind of problem that every day has, nobody reads more than so many rows.
ROWS_A_KIND = 20


class Aspect(StrEnum):
    """What is asked of every day."""

    PRESENT = "present"
    NOT_HIDDEN = "not hidden"
    VERIFIED = "verified"
    MANIFEST_AGREES = "manifest agrees"
    LOCKED = "locked"
    CLASS_AS_PLANNED = "class as planned"
    EXPIRATION_OK = "expiration ok"
    DRILLED = "drilled"


class State(StrEnum):
    """The answer; not applicable: the store or the profile does not have it, or there is no object to ask it of."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "n/a"


class ProblemSeverity(StrEnum):
    """An error breaks the promise of the profile; a warning is worth knowing."""

    ERROR = "ERROR"
    WARN = "WARN"


class ProblemCode(StrEnum):
    """Kinds of problems; stable, machines may rely on them."""

    MISSING = "missing"
    HIDDEN = "hidden"
    NO_MANIFEST = "no-manifest"
    MANIFEST_HIDDEN = "manifest-hidden"
    MANIFEST_UNREADABLE = "manifest-unreadable"
    NOT_VERIFIED = "not-verified"
    MANIFEST_DISAGREES = "manifest-disagrees"
    NOT_LOCKED = "not-locked"
    LOCK_TOO_SHORT = "lock-too-short"
    LOCK_TOO_WEAK = "lock-too-weak"
    WRONG_CLASS = "wrong-class"
    EXPIRES_EARLY = "expires-early"
    PROFILE_TOO_SHORT = "profile-too-short"
    DRILL_FAILED = "drill-failed"
    DRILL_UNREADABLE = "drill-unreadable"
    DELETIONS_NOT_RECORDED = "deletions-not-recorded"
    TRAIL_BROKEN = "trail-broken"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Problem(_Model):
    """One problem: what is wrong, and what to do about it."""

    code: ProblemCode
    severity: ProblemSeverity
    what: str
    remedy: str


class DayFinding(_Model):
    """One day. Times are UTC; key and what follows it are None for a day that has no object."""

    day: date
    states: dict[Aspect, State]
    problems: list[Problem] = []
    key: str | None = None
    version_id: str | None = None
    bytes: int | None = None
    stored_at: datetime | None = None
    storage_class: str | None = None
    locked_until: datetime | None = None
    drilled_at: datetime | None = None


class ProblemRow(_Model):
    """A problem of a day (None: of none), or the first of several of its kind that were not worth a row each."""

    day: date | None
    problem: Problem
    more: int = 0

    @property
    def what(self) -> str:
        """The words, with how many days more they are true of."""
        return f"{self.problem.what}; and {self.more:,} more days like it" if self.more else self.problem.what


class RetentionAudit(_Model):
    """An audit. Times are UTC.

    Attributes:
        retention_first_day: the oldest day whose backup, made on time, must still be kept.
        first_signal_day: from here on every day must be there; days before it are explained.
        first_day: first day that was looked at; ``last_day`` is the last.
        general: problems of no single day.
        requests: by S3 operation, retries included.
        drill_reports: how many reports of drills were read.
        seconds: what all of it took.
    """

    at: datetime
    bucket: str
    prefix: str
    profile: str
    retention_years: int
    retention_first_day: date
    first_signal_day: date
    first_day: date
    last_day: date
    days: list[DayFinding]
    general: list[Problem] = []
    requests: dict[str, int] = {}
    drill_reports: int = 0
    seconds: float = 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return self.errors == 0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def errors(self) -> int:
        """How many errors."""
        return self._count(ProblemSeverity.ERROR)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> int:
        """How many warnings."""
        return self._count(ProblemSeverity.WARN)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def explained_days(self) -> int:
        """Days of the retention window from before the first signal."""
        return max(0, (self.first_signal_day - self.retention_first_day).days)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def counts(self) -> dict[Aspect, dict[State, int]]:
        """Days by aspect and state."""
        return {aspect: {state: self.count(aspect, state) for state in State} for aspect in Aspect}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def problem_counts(self) -> dict[ProblemCode, int]:
        """Problems by kind."""
        return dict(Counter(problem.code for _, problem in self.problems()))

    def count(self, aspect: Aspect, state: State) -> int:
        """Days in a state."""
        return sum(finding.states[aspect] is state for finding in self.days)

    def problems(self) -> Iterator[tuple[date | None, Problem]]:
        """Every problem with its day, general ones first."""
        yield from ((None, problem) for problem in self.general)
        for finding in self.days:
            yield from ((finding.day, problem) for problem in finding.problems)

    def problem_rows(self) -> list[ProblemRow]:
        """The problems for a table: errors first, by day, of each kind no more than ``ROWS_A_KIND`` rows."""
        by_kind: dict[tuple[ProblemSeverity, ProblemCode], list[ProblemRow]] = {}
        for day, problem in self.problems():
            by_kind.setdefault((problem.severity, problem.code), []).append(ProblemRow(day=day, problem=problem))
        rows = [row for found in by_kind.values() for row in _folded(found)]
        return sorted(rows, key=lambda row: (row.problem.severity is not ProblemSeverity.ERROR, row.day or date.min))

    def _count(self, severity: ProblemSeverity) -> int:
        return sum(problem.severity is severity for _, problem in self.problems())


def _folded(rows: list[ProblemRow]) -> list[ProblemRow]:
    if len(rows) <= ROWS_A_KIND:
        return rows
    last = rows[ROWS_A_KIND - 1].model_copy(update={"more": len(rows) - ROWS_A_KIND})
    return [*rows[: ROWS_A_KIND - 1], last]
