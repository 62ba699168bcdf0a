"""Every expected error, each with the exit code that scripts see and the code under which it is stored.

An error says what happened, to which object, and what to do next. Programming mistakes are not wrapped: they stay
ordinary exceptions.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of ``signal-backups``; stable, documented in docs/json.md."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    THAWING = 5


class SignalBackupsError(Exception):
    """Base of all expected errors.

    Args:
        what: what happened, to which object.
        remedy: what to do next.
        transient: whether the same call may succeed later.
    """

    #: Names the kind of error in audit events and in the failures of Dagster runs: never changes, unlike a class name.
    code: ClassVar[str] = "error"
    exit_code: ExitCode = ExitCode.FAILED

    def __init__(self, what: str, *, remedy: str = "", transient: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.transient = transient

    def __str__(self) -> str:
        return f"{self.what}. {self.remedy}" if self.remedy else self.what


class SettingsError(SignalBackupsError):
    """A setting or an argument is missing or malformed."""

    code = "settings"
    exit_code = ExitCode.USAGE


class SourceError(SignalBackupsError):
    """The signals database cannot be reached or does not have the shape of a signals table."""

    code = "source"
    exit_code = ExitCode.UNREACHABLE


class StoreError(SignalBackupsError):
    """The object store cannot be reached, or refuses the request."""

    code = "store"
    exit_code = ExitCode.UNREACHABLE


class LocalStorageError(SignalBackupsError):
    """A folder or file of this machine cannot be written: its disk is full, or this user may not write there."""

    code = "local_storage"
    exit_code = ExitCode.UNREACHABLE


class DagsterHomeError(SignalBackupsError):
    """The folder of Dagster's instance cannot be used: its databases or its dagster.yaml are broken."""

    code = "dagster_home"
    exit_code = ExitCode.UNREACHABLE


class UnsupportedError(StoreError):
    """This object store does not have the feature at all."""

    code = "unsupported"


class NotFoundError(SignalBackupsError):
    """The backup, object or version asked for does not exist."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class DeletedBackupError(NotFoundError):
    """A delete marker hides the backup."""

    code = "deleted_backup"


class DestroyedBackupError(SignalBackupsError):
    """No version of a day's backup is left, although a manifest vouches for one."""

    code = "destroyed_backup"


class ArchivedError(SignalBackupsError):
    """The object is archived: its bytes cannot be read before it is thawed."""

    code = "archived"
    exit_code = ExitCode.THAWING


class VerificationError(SignalBackupsError):
    """Stored bytes, or the rows in them, are not what they should be."""

    code = "verification"


class ReadBackError(VerificationError):
    """The object that S3 returns is not the one that was sent."""

    code = "read_back"


class VouchedBackupLostError(VerificationError):
    """The backup that a new one has to be compared with is gone, or does not verify."""

    code = "vouched_backup_lost"


class ConflictError(SignalBackupsError):
    """Somebody else wrote the same object at the same time."""

    code = "conflict"


class TargetError(SignalBackupsError):
    """The target of a restore cannot be reached, is full or read-only, or lacks columns that signals need."""

    code = "target"
    exit_code = ExitCode.UNREACHABLE


class UnfitTargetError(SignalBackupsError):
    """The target can be used, but its columns or constraints do not take these signals."""

    code = "unfit_target"


class SignalConflictError(SignalBackupsError):
    """Signals that are to be restored are already there."""

    code = "signal_conflict"


class RefusedBackupError(VerificationError):
    """A stored backup does not verify and was not restored."""

    code = "refused_backup"


class QuarantineLostError(VerificationError):
    """The quarantined rows of a backup are gone, or are not what its manifest says."""

    code = "quarantine_lost"


class ImportVerificationError(VerificationError):
    """What a target holds after an import is not what the backup holds."""

    code = "import_verification"


class TimestampAuthorityError(SignalBackupsError):
    """The time-stamp authority cannot be reached, or gives no time stamp."""

    code = "timestamp_authority"
    exit_code = ExitCode.UNREACHABLE


class StageInputMissingError(SignalBackupsError):
    """A backup stage was started without the output of the stage before it."""

    code = "stage_input_missing"
    exit_code = ExitCode.USAGE


class RunEndedError(SignalBackupsError):
    """Somebody ended a run in Dagster while it worked; it stops before its next day."""

    code = "run_ended"


class UnconfirmedError(SignalBackupsError):
    """A change that deletes sooner, or that can never be undone, was requested without confirmation."""

    code = "unconfirmed"
    exit_code = ExitCode.USAGE


#: Codes of the errors with which a backup fails when the store does not take it.
UPLOAD_CODES = frozenset(error.code for error in (StoreError, UnsupportedError, ConflictError))
#: Code of every unexpected exception.
UNEXPECTED_CODE = "unexpected"

#: Earlier releases stored the name of the class in place of its code; these are the names of that time.
_CODES_OF_CLASS_NAMES = {
    "SignalBackupsError": "error",
    "SettingsError": "settings",
    "SourceError": "source",
    "StoreError": "store",
    "UnsupportedError": "unsupported",
    "NotFoundError": "not_found",
    "DeletedBackupError": "deleted_backup",
    "ArchivedError": "archived",
    "VerificationError": "verification",
    "ReadBackError": "read_back",
    "ConflictError": "conflict",
    "TargetError": "target",
    "UnfitTargetError": "unfit_target",
    "SignalConflictError": "signal_conflict",
    "RefusedBackupError": "refused_backup",
    "ImportVerificationError": "import_verification",
    "TimestampAuthorityError": "timestamp_authority",
    "StageInputMissingError": "stage_input_missing",
    "UnconfirmedError": "unconfirmed",
}


def code_of(error: BaseException) -> str:
    """The code under which an error is stored."""
    return error.code if isinstance(error, SignalBackupsError) else UNEXPECTED_CODE


def is_interrupt(error: BaseException) -> bool:
    """Whether it is a Ctrl-C, or DuckDB's error for one during a query."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, RuntimeError) and str(error) == "Query interrupted"
    )


def code_from_stored(stored: object) -> str:
    """The code that an event or a run of any release holds; empty when it holds none."""
    return _CODES_OF_CLASS_NAMES.get(stored, stored) if isinstance(stored, str) else ""
