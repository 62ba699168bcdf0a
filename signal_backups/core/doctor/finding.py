"""The doctor's checks, the finding of each, and the report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from signal_backups.core.base.errors import ExitCode, SignalBackupsError


class DoctorCheck(StrEnum):
    """Everything that is looked at, in order."""

    SETTINGS = "settings"
    DATABASE = "database"
    COLUMNS = "required_columns"
    INDEX = "timestamp_index"
    STORE = "store"
    CLOCK = "clock"
    CREDENTIALS = "credentials"
    BUCKET = "bucket"
    VERSIONING = "versioning"
    PUBLIC_ACCESS = "public_access"
    LIFECYCLE = "lifecycle"
    OBJECT_LOCK = "object_lock"
    LIST_VERSIONS = "list_versions"
    PUT = "put"
    GET = "get"
    LOCKED = "locked_when_stored"
    DELETE = "delete_denied"
    CONDITIONAL_WRITES = "conditional_writes"
    CHECKSUMS = "checksums"
    LATEST_BACKUP = "latest_backup"
    AUDIT_EVENTS = "audit_events"
    DISK = "disk_space"
    INSTANCE = "dagster_instance"
    DAEMON = "dagster_daemon"
    SCHEDULES = "schedules"
    SENSORS = "sensors"

    @property
    def words(self) -> str:
        """Its name for people."""
        return self.value.replace("_", " ")


class State(StrEnum):
    """How it is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    #: Something else has to be right first, or nothing can be said.
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class DoctorResult:
    """The result of one check; ``exit_code`` counts when it failed."""

    state: State
    found: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.FAILED


class DoctorFinding(BaseModel):
    """A verdict and what it is about."""

    model_config = ConfigDict(frozen=True)

    check: DoctorCheck
    state: State
    found: str
    remedy: str | None
    exit_code: ExitCode = Field(exclude=True)


class DoctorReport(BaseModel):
    """All findings, in order."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[DoctorFinding, ...]

    def count(self, state: State) -> int:
        """How many are so."""
        return sum(finding.state is state for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.count(State.FAILED)

    @property
    def exit_code(self) -> ExitCode:
        """The code that everything failed shares; ``FAILED`` when there are several."""
        codes = {finding.exit_code for finding in self.findings if finding.state is State.FAILED}
        if not codes:
            return ExitCode.OK
        return codes.pop() if len(codes) == 1 else ExitCode.FAILED


def well(found: str) -> DoctorResult:
    """It is as it should be."""
    return DoctorResult(State.OK, found)


def warning(found: str, remedy: str) -> DoctorResult:
    """Backups work, but somebody should know."""
    return DoctorResult(State.WARNING, found, remedy)


def failed(found: str, remedy: str, exit_code: ExitCode = ExitCode.FAILED) -> DoctorResult:
    """It is not as backups need it."""
    return DoctorResult(State.FAILED, found, remedy, exit_code)


def unknown(why: str) -> DoctorResult:
    """Nothing can be said."""
    return DoctorResult(State.NOT_CHECKED, why)


def of_error(error: SignalBackupsError) -> DoctorResult:
    """Looking itself failed; a finding is one line, whatever a library says."""
    return DoctorResult(State.FAILED, " ".join(error.what.split()), error.remedy or None, error.exit_code)
