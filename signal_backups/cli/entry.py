"""Where a process of the command line begins: signals and pipes first, and only then what takes long to import."""

from __future__ import annotations

import shlex
import sys

from signal_backups.cli.interrupts import guard
from signal_backups.cli.streams import survive_closed_pipes, unwritten_output_fails


def main() -> None:
    """Run ``signal-backups``."""
    survive_closed_pipes()
    guard(_run, again(sys.argv[1:]))


def _run() -> None:
    from signal_backups.cli.app import main as run  # noqa: PLC0415  so that its imports can be interrupted

    with unwritten_output_fails():
        run()


def again(arguments: list[str]) -> str:
    """The command as it was typed, without URLs that may hold a password."""
    shown = ("…" if "://" in argument and "@" in argument else shlex.quote(argument) for argument in arguments)
    return " ".join(["signal-backups", *shown])
