"""A group of commands whose modules are imported when one of them is called, not before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command, get_group

from signal_backups.cli.command_table import COMMANDS, CommandEntry
from signal_backups.cli.help_pages import PlainCommand, PlainGroup, with_plain_pages

_COMMANDS = {entry.name: entry for entry in COMMANDS}


class LazyGroup(PlainGroup):
    """The commands of the table.

    The help page, completion and the suggestions after a typing error need no more of a command than the table says.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in COMMANDS:
            self.add_command(PlainCommand(entry.name, help=entry.help, rich_help_panel=entry.group))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command itself, which is about to run."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(_COMMANDS[name]) if name else None, rest


def load(entry: CommandEntry) -> Any:
    """The command of an entry, as Typer builds it."""
    found = getattr(import_module(f"signal_backups.cli.commands.{entry.module}"), entry.attribute)
    if isinstance(found, typer.Typer):
        command: Any = get_group(with_plain_pages(found))
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(entry.name)(found)
        command = get_command(with_plain_pages(alone))
    command.name = entry.name
    command.epilog = f"For example: {entry.example}"
    return command
