"""Arguments and options that several commands share, and what they mean together."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from signal_backups.core.days import last_complete_day, parse_day, require_complete
from signal_backups.core.errors import SettingsError

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD (UTC).")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included; default: yesterday.")]
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


def day_range(first: str | None, last: str | None, start: date) -> tuple[date, date]:
    """The days that ``--from`` and ``--to`` name, both included.

    Args:
        first: ``--from``; unset means ``start``.
        last: ``--to``; unset means the last complete day.
        start: where ``first`` begins by default.

    Raises:
        SettingsError: not dates, in the wrong order, or not ended yet.
    """
    begin = parse_day(first) if first else start
    end = require_complete(parse_day(last)) if last else last_complete_day()
    if begin > end:
        raise SettingsError(f"the range begins on {begin}, after its end {end}", remedy="Swap --from and --to")
    return begin, end
