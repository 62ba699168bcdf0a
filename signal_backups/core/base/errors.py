"""Every error the domain raises on purpose, each with the exit code a shell script sees.

An error says what happened, to which object, and what to do next. Programming mistakes are not wrapped:
they stay ordinary exceptions.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of ``signal-backups``; stable, documented in README.md."""

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

    exit_code = ExitCode.USAGE


class SourceError(SignalBackupsError):
    """The signals database cannot be reached or does not have the shape of a signals table."""

    exit_code = ExitCode.UNREACHABLE


class StoreError(SignalBackupsError):
    """The object store cannot be reached, or refuses the request."""

    exit_code = ExitCode.UNREACHABLE


class UnsupportedError(StoreError):
    """This object store does not have the feature at all."""


class NotFoundError(SignalBackupsError):
    """The backup, object or version asked for does not exist."""

    exit_code = ExitCode.NOT_FOUND


class DeletedBackupError(NotFoundError):
    """A delete marker stands where the backup was."""


class ArchivedError(SignalBackupsError):
    """The object is archived: its bytes cannot be read until a thaw, asked for or still to be asked for, is done."""

    exit_code = ExitCode.THAWING


class VerificationError(SignalBackupsError):
    """What was read back is not what should be there."""


class ReadBackError(VerificationError):
    """The object that S3 returns is not the one that was sent."""


class ConflictError(SignalBackupsError):
    """Somebody else wrote the same object at the same time."""


class TargetError(SignalBackupsError):
    """The target of a restore cannot be reached, is full or read-only, or does not have the shape signals need."""

    exit_code = ExitCode.UNREACHABLE


class UnfitTargetError(SignalBackupsError):
    """The target can be used, but its columns or constraints do not take these signals."""


class SignalConflictError(SignalBackupsError):
    """Signals that are to be restored are already there."""


class RefusedBackupError(VerificationError):
    """A stored backup does not verify and was not restored."""


class ImportVerificationError(VerificationError):
    """What a target holds after an import is not what the backup says."""


class TimestampAuthorityError(SignalBackupsError):
    """The time-stamp authority cannot be reached, or gives no time stamp."""

    exit_code: ExitCode = ExitCode.UNREACHABLE


class StageInputMissingError(SignalBackupsError):
    """A backup stage was started without the output of the stage before it."""

    exit_code = ExitCode.USAGE


class UnconfirmedError(SignalBackupsError):
    """Something that deletes sooner, or can never be undone, was asked for without saying that it is meant."""

    exit_code = ExitCode.USAGE


#: Names of what a backup fails with when the store does not take it.
UPLOAD_ERRORS = frozenset(error.__name__ for error in (StoreError, UnsupportedError, ConflictError))
