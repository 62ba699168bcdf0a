"""The report of a retention audit: the states of every day, problems and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, computed_field

#: Most rows that a table shows for one kind of problem.
ROWS_A_KIND = 20


class Aspect(StrEnum):
    """The questions that an audit asks about every day."""

    PRESENT = "present"
    NOT_HIDDEN = "not hidden"
    VERIFIED = "verified"
    MANIFEST_AGREES = "manifest agrees"
    LOCKED = "locked"
    CLASS_AS_PLANNED = "class as planned"
    EXPIRATION_OK = "expiration ok"
    DRILLED = "drilled"


class State(StrEnum):
    """The answer to a question; not applicable if store, profile or day lack what the question is about."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "n/a"


class ProblemSeverity(StrEnum):
    """An error breaks the profile; a warning does not."""

    ERROR = "ERROR"
    WARN = "WARN"


class ProblemCode(StrEnum):
    """Kinds of problems; programs may rely on them."""

    MISSING = "missing"
    DESTROYED = "destroyed"
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
    TAMPERED = "tampered"
    OTHER_OBJECT = "other-object"
    QUARANTINE_LOST = "quarantine-lost"
    DATABASE_DIFFERS = "database-differs"
    REPLACED = "replaced"
    DRILL_FAILED = "drill-failed"
    DRILL_UNREADABLE = "drill-unreadable"
    DELETIONS_NOT_RECORDED = "deletions-not-recorded"
    TRAIL_BROKEN = "trail-broken"


class Problem(BaseModel, frozen=True):
    """One problem and its remedy."""

    code: ProblemCode
    severity: ProblemSeverity
    what: str
    remedy: str


class DayFinding(BaseModel, frozen=True):
    """The result of one day; times are UTC.

    ``key`` and the fields after it describe the stored object. They are None without one, but for ``drilled_at``.
    """

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


class ProblemRow(BaseModel, frozen=True):
    """A row of the table of problems; ``day`` is None for a general problem, ``more`` counts the folded rows."""

    day: date | None
    problem: Problem
    more: int = 0

    @property
    def what(self) -> str:
        """What is wrong, with the number of folded rows."""
        return f"{self.problem.what}; and {self.more:,} more days like it" if self.more else self.problem.what


class RetentionAudit(BaseModel, frozen=True):
    """The report of an audit; times are UTC.

    Attributes:
        at: when the audit began.
        bucket: name of the bucket.
        prefix: prefix of the backups.
        profile: name of the retention profile.
        retention_years: calendar years that each backup must be kept.
        retention_first_day: first day of the retention window.
        first_signal_day: every day from here on must have a backup; the days before it are explained.
        first_day: first audited day.
        last_day: last audited day.
        days: the result of each audited day.
        general: problems that belong to no single day.
        requests: number of requests by S3 operation, retries included.
        drill_reports: number of drill reports.
        seconds: duration of the audit.
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
        """Number of errors."""
        return self._count(ProblemSeverity.ERROR)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def warnings(self) -> int:
        """Number of warnings."""
        return self._count(ProblemSeverity.WARN)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def explained_days(self) -> int:
        """Number of days of the retention window before the first signal."""
        return max(0, (self.first_signal_day - self.retention_first_day).days)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def counts(self) -> dict[Aspect, dict[State, int]]:
        """Number of days by aspect and state."""
        return {aspect: {state: self.count(aspect, state) for state in State} for aspect in Aspect}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def problem_counts(self) -> dict[ProblemCode, int]:
        """Number of problems by kind."""
        return dict(Counter(problem.code for _, problem in self.problems()))

    def count(self, aspect: Aspect, state: State) -> int:
        """Number of days in a state."""
        return sum(finding.states[aspect] is state for finding in self.days)

    def problems(self) -> Iterator[tuple[date | None, Problem]]:
        """Every problem with its day, general ones first."""
        yield from ((None, problem) for problem in self.general)
        for finding in self.days:
            yield from ((finding.day, problem) for problem in finding.problems)

    def problem_rows(self) -> list[ProblemRow]:
        """The rows of the table of problems: errors first, then by day; at most ``ROWS_A_KIND`` of a kind."""
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
