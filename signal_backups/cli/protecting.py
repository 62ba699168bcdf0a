"""What commands share that protect stored versions: days that must be named, and a word on the audit trail."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.output import print_line

FirstDay = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD (UTC).")]
LastDay = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.")]


def print_recorded(event: int | None) -> None:
    """Say where what was done is recorded; without a number the event waits."""
    print_line(
        f"Recorded as event {event}" if event else "Its audit event waits on this machine; the next one takes it along"
    )
