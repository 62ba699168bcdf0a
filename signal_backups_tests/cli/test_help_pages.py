"""Help pages on a terminal of 80 columns: commands in groups, examples that can be typed, nothing cut off."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from signal_backups.cli.command_table import COMMANDS, CommandEntry
from signal_backups.cli.lazy_group import load
from signal_backups_tests.cli.every_command import every_command
from signal_backups_tests.cli.terminal import Terminal

EVERY = [pytest.param(*each, id=" ".join(each[0])) for each in every_command()]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal of 80 columns without any setting."""
    return Terminal(tmp_path, {"COLUMNS": "80"})


def test_commands_stand_in_groups(terminal: Terminal) -> None:
    lines = terminal.run("--help").out.splitlines()
    headings = [line for line in lines if line.startswith("╭─")]
    groups = list(dict.fromkeys(entry.group for entry in COMMANDS))
    assert [heading.strip("╭─╮ ") for heading in headings] == ["Options", *groups]
    assert not any("<bool>" in line for line in lines)


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_example_can_be_typed_and_stands_on_the_page(terminal: Terminal, entry: CommandEntry) -> None:
    program, name, *arguments = shlex.split(entry.example)
    assert (program, name) == ("signal-backups", entry.name)
    command = load(entry)
    if hasattr(command, "commands"):
        command, *arguments = command.commands[arguments[0]], *arguments[1:]
    command.make_context(name, arguments)
    page = " ".join(terminal.run(entry.name, "--help").out.split())
    assert f"For example: {entry.example}" in page


@pytest.mark.parametrize(("words", "command"), EVERY)
def test_no_option_is_cut_off_and_no_line_ends_early(terminal: Terminal, words: tuple[str, ...], command: Any) -> None:
    page = terminal.run(*words, "--help").out
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert {name for name in options if f"{name} " not in page} == set()
    assert "<bool>" not in page
    assert "``" not in page
    assert "Standard]" not in page
    for paragraph in command.help.split("\n\n"):
        assert "\n" not in paragraph
    assert max(map(len, page.splitlines())) <= 80
