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


class NotFoundError(SignalBackupsError):
    """The backup, object or version asked for does not exist."""

    exit_code = ExitCode.NOT_FOUND


class VerificationError(SignalBackupsError):
    """What was read back is not what should be there."""


class ReadBackError(VerificationError):
    """The object that S3 returns is not the one that was sent."""


class ConflictError(SignalBackupsError):
    """Somebody else wrote the same object at the same time."""


class StageInputMissingError(SignalBackupsError):
    """A backup stage was started without the output of the stage before it."""

    exit_code = ExitCode.USAGE
