"""Arguments and options that several commands share, and what they mean together."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signal_backups.core.base.days import last_complete_day, parse_day, require_complete
from signal_backups.core.base.errors import NotFoundError, SettingsError

if TYPE_CHECKING:
    from signal_backups.core.s3.store import S3ObjectStore

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD (UTC).")]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DAY", help="Last day, included; default: yesterday. Needs --from."),
]
ConfirmOption = Annotated[
    bool, typer.Option("--confirm", help="Also do what deletes sooner, lifts a protection, or can never be undone.")
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", metavar="NAME|FILE", help="Retention profile; default: SIGNAL_BACKUPS_PROFILE."),
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=1, help="Hash at most so many rows of each backup; default: every row.")
]
CaOption = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help="CA certificates (PEM) its time stamps must lead to.")
]
HeadOption = Annotated[
    str | None, typer.Option("--head", metavar="SHA256", help="The tree head that you trust, as SHA-256.")
]


def trusted_head(head: str | None) -> str | None:
    """The SHA-256 (lower-case hex) that ``--head`` names.

    Raises:
        SettingsError: it is no SHA-256.
    """
    trusted = head.strip().lower() if head is not None else None
    if trusted is not None and not re.fullmatch("[0-9a-f]{64}", trusted):
        raise SettingsError(f"{head!r} is not a SHA-256", remedy="Give it as 64 hex digits")
    return trusted


def read_file(file: Path) -> bytes:
    """The bytes of a file that an argument or option names.

    Raises:
        NotFoundError: there is no such file.
        SettingsError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"no file at {file}", remedy="Check the path") from error
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}", remedy="Name another file") from error


def ended_day(text: str) -> date:
    """The day that an argument or option names.

    Raises:
        SettingsError: it is no date, or has not ended yet, so that there is no backup to look for or to make.
    """
    return require_complete(parse_day(text))


def key_in(store: S3ObjectStore, text: str) -> str:
    """The key that a key or an ``s3://`` URI names.

    Raises:
        SettingsError: the URI is of another bucket.
    """
    own = store.uri("")
    if text.startswith("s3://") and not text.startswith(own):
        raise SettingsError(
            f"{text} is in another bucket than the backups, {own}",
            remedy="Set BACKUP_BUCKET_NAME to its bucket, or name a backup of this one: signal-backups list",
        )
    return text.removeprefix(own)


def from_option(default: str) -> Any:
    """``--from``, for a range that begins with some day by default; FromOption has no default."""
    return typer.Option("--from", metavar="DAY", help=f"First day, YYYY-MM-DD (UTC); default: {default}.")


def given_days(first: str | None, last: str | None) -> tuple[date | None, date | None]:
    """The days that ``--from`` and ``--to`` name; None where nothing was given.

    Raises:
        SettingsError: not dates, in the wrong order, or ``--to`` alone: what it begins with would be a guess.
    """
    if last and not first:
        raise SettingsError("--to was given without --from", remedy="Name the first day with --from")
    begin, end = parse_day(first) if first else None, parse_day(last) if last else None
    if begin and end and begin > end:
        raise SettingsError(f"the range begins on {begin}, after its end {end}", remedy="Swap --from and --to")
    return begin, end


def day_range(first: str | None, last: str | None, start: date) -> tuple[date, date]:
    """The days that ``--from`` and ``--to`` name, both included.

    Args:
        first: ``--from``; unset means ``start``.
        last: ``--to``; unset means the last complete day.
        start: where the range begins by default.

    Raises:
        SettingsError: as of ``given_days``; or they have not ended yet.
    """
    begin, end = given_days(first, last)
    begin = require_complete(begin) if begin else start
    end = require_complete(end) if end else last_complete_day()
    if begin > end:
        raise SettingsError(
            f"no day of the range has ended: it begins on {begin}", remedy="Name days with --from and --to"
        )
    return begin, end
