"""Every error the domain raises on purpose, each with the exit code a shell script sees.

An error says what happened, to which object, and what to do next. Programming mistakes are not wrapped:
they stay ordinary exceptions.
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
        what: what happened, naming the object it happened to.
        remedy: what the reader should do next.
        transient: whether the same call may succeed when simply made again later.
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


class UnsupportedError(StoreError):
    """This object store does not have the feature at all."""

    code = "unsupported"


class NotFoundError(SignalBackupsError):
    """The backup, object or version asked for does not exist."""

    code = "not_found"
    exit_code = ExitCode.NOT_FOUND


class DeletedBackupError(NotFoundError):
    """A delete marker stands where the backup was."""

    code = "deleted_backup"


class ArchivedError(SignalBackupsError):
    """The object is archived: its bytes cannot be read until a thaw, asked for or still to be asked for, is done."""

    code = "archived"
    exit_code = ExitCode.THAWING


class VerificationError(SignalBackupsError):
    """What was read back is not what should be there."""

    code = "verification"


class ReadBackError(VerificationError):
    """The object that S3 returns is not the one that was sent."""

    code = "read_back"


class ConflictError(SignalBackupsError):
    """Somebody else wrote the same object at the same time."""

    code = "conflict"


class TargetError(SignalBackupsError):
    """The target of a restore cannot be reached, is full or read-only, or does not have the shape signals need."""

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


class ImportVerificationError(VerificationError):
    """What a target holds after an import is not what the backup says."""

    code = "import_verification"


class TimestampAuthorityError(SignalBackupsError):
    """The time-stamp authority cannot be reached, or gives no time stamp."""

    code = "timestamp_authority"
    exit_code = ExitCode.UNREACHABLE


class StageInputMissingError(SignalBackupsError):
    """A backup stage was started without the output of the stage before it."""

    code = "stage_input_missing"
    exit_code = ExitCode.USAGE


class UnconfirmedError(SignalBackupsError):
    """Something that deletes sooner, or can never be undone, was asked for without saying that it is meant."""

    code = "unconfirmed"
    exit_code = ExitCode.USAGE


#: Codes of what a backup fails with when the store does not take it.
UPLOAD_CODES = frozenset(error.code for error in (StoreError, UnsupportedError, ConflictError))
#: Code of an exception that nobody foresaw.
UNEXPECTED_CODE = "unexpected"

#: What earlier releases stored in place of a code: the name that the class had then.
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


def code_from_stored(stored: object) -> str:
    """The code that a stored event or run names, whichever release wrote it; empty when it names none."""
    return _CODES_OF_CLASS_NAMES.get(stored, stored) if isinstance(stored, str) else ""
