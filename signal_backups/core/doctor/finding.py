"""The names of the doctor's checks, their findings, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, Field

from signal_backups.core.base.errors import ExitCode, SignalBackupsError


class DoctorCheck(StrEnum):
    """The name of each check, in the order in which they run."""

    SETTINGS = "settings"
    DATABASE = "database"
    COLUMNS = "required_columns"
    EXTRA_COLUMNS = "extra_columns"
    INDEX = "timestamp_index"
    STORE = "store"
    CLOCK = "clock"
    CREDENTIALS = "credentials"
    BUCKET = "bucket"
    VERSIONING = "versioning"
    PUBLIC_ACCESS = "public_access"
    LIFECYCLE = "lifecycle"
    OBJECT_LOCK = "object_lock"
    ANCHOR_BUCKET = "anchor_bucket"
    LIST_VERSIONS = "list_versions"
    PUT = "put"
    GET = "get"
    LOCKED = "locked_when_stored"
    DELETE = "delete_denied"
    CONDITIONAL_WRITES = "conditional_writes"
    CHECKSUMS = "checksums"
    LATEST_BACKUP = "latest_backup"
    ALL_DAYS = "all_days"
    UNDATED_ROWS = "undated_rows"
    AUDIT_EVENTS = "audit_events"
    DISK = "disk_space"
    INSTANCE = "dagster_instance"
    DAEMON = "dagster_daemon"
    SCHEDULES = "schedules"
    SENSORS = "sensors"

    @property
    def label(self) -> str:
        """The name as shown to people."""
        return self.value.replace("_", " ")


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    #: A check that it depends on failed, or the store does not provide the information.
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class DoctorResult:
    """The result of one check; ``exit_code`` matters only if it failed."""

    state: State
    found: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.FAILED


class DoctorFinding(BaseModel, frozen=True):
    """A check and its result."""

    check: DoctorCheck
    state: State
    found: str
    remedy: str | None
    exit_code: ExitCode = Field(exclude=True)


class DoctorReport(BaseModel, frozen=True):
    """All findings, in order."""

    findings: tuple[DoctorFinding, ...]

    def count(self, state: State) -> int:
        """Return how many findings are in a state."""
        return sum(finding.state is state for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether no check failed; warnings are allowed."""
        return not self.count(State.FAILED)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that all failed checks share; ``FAILED`` when they differ."""
        codes = {finding.exit_code for finding in self.findings if finding.state is State.FAILED}
        if not codes:
            return ExitCode.OK
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def ok(found: str) -> DoctorResult:
    """Return the result of a check that passed."""
    return DoctorResult(State.OK, found)


def warning(found: str, remedy: str) -> DoctorResult:
    """Return the result of a check that found something to improve; backups work."""
    return DoctorResult(State.WARNING, found, remedy)


def failed(found: str, remedy: str, exit_code: ExitCode = ExitCode.FAILED) -> DoctorResult:
    """Return the result of a check that found something that backups cannot work with."""
    return DoctorResult(State.FAILED, found, remedy, exit_code)


def not_checked(why: str) -> DoctorResult:
    """Return the result of a check that could not run."""
    return DoctorResult(State.NOT_CHECKED, why)


def from_error(error: SignalBackupsError) -> DoctorResult:
    """Return the result of a check that raised an error; its message is folded into one line."""
    return DoctorResult(State.FAILED, " ".join(error.what.split()), error.remedy or None, error.exit_code)
