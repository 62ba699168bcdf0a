"""What commands share that protect stored versions: days that must be named, and who is at work, for the record."""

from __future__ import annotations

import getpass
import socket
from typing import Annotated

import typer

FirstDay = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, YYYY-MM-DD (UTC).")]
LastDay = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, included.")]


def actor() -> str:
    """User and machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
