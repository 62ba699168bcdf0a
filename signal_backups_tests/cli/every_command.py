"""Every command of the table, those of groups included, and arguments with which it gets as far as its settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from signal_backups.cli.command_table import COMMANDS
from signal_backups.cli.lazy_group import load

DAY = "2026-11-01"
_RANGE = ("--from", DAY, "--to", DAY)
_ARGUMENTS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("prove",): ("an-id",),
    ("verify-proof",): ("proof.json",),
    ("bundle",): ("--out", "bundle.zip"),
    ("verify-bundle",): ("bundle.zip",),
    ("restore",): (DAY, "--target", "target.db"),
    ("undelete",): (DAY,),
    ("versions",): (DAY,),
    ("iam-policy",): ("writer",),
    ("audit", "accept"): ("a reason",),
    ("hold", "put"): (*_RANGE, "--reason", "a case"),
    ("hold", "release"): (*_RANGE, "--reason", "a case", "--confirm"),
    ("lock", "extend"): _RANGE,
    ("metrics", "textfile"): ("figures.prom",),
}


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words of each command, and the command as Typer builds it."""
    for entry in COMMANDS:
        command = load(entry)
        for name, inner in getattr(command, "commands", {None: command}).items():
            yield (entry.name,) if name is None else (entry.name, name), inner


def arguments_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a command, and the arguments that it insists on."""
    return (*words, *_ARGUMENTS.get(words, ()))
