"""Commands load what they need and no more, and the help page says of each what its own help says."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

from signal_backups.cli.command_table import COMMANDS, CommandEntry
from signal_backups.cli.lazy_group import load
from signal_backups_tests.cli.terminal import Terminal

HEAVY = frozenset(
    [
        "adbc_driver_manager",
        "apprise",
        "boto3",
        "cryptography",
        "dagster",
        "duckdb",
        "matplotlib",
        "pandas",
        "pandera",
        "pyarrow",
        "pydantic",
        "pydantic_settings",
        "rich",
        "rfc3161_client",
        "sqlalchemy",
    ]
)
#: What verifying backups needs of them, and what listing does.
FOR_VERIFYING = {"boto3", "duckdb", "pyarrow", "pydantic", "pydantic_settings", "rich"}
FOR_LISTING = FOR_VERIFYING - {"duckdb", "pyarrow"}
LOADED = """
import runpy, sys
try:
    runpy.run_module("signal_backups.cli", run_name="__main__", alter_sys=True)
except SystemExit:
    pass
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def heavy_modules(*arguments: str, **settings: str) -> frozenset[str]:
    """Those of ``HEAVY`` that a command has loaded when it ends."""
    call = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(call, env={**os.environ, **settings}, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_help_page_says_what_a_commands_own_help_begins_with(entry: CommandEntry) -> None:
    command = load(entry)
    assert command.name == entry.name
    assert " ".join(inspect.cleandoc(command.help).split("\n\n")[0].split()) == entry.help


def test_the_version_needs_no_library() -> None:
    assert heavy_modules("--version") == set()


def test_the_help_page_needs_only_what_draws_it() -> None:
    assert heavy_modules("--help") == {"rich"}


@pytest.mark.parametrize(
    ("command", "needed"), [("list", FOR_LISTING), ("status", FOR_LISTING), ("verify", FOR_VERIFYING)]
)
def test_a_command_that_reads_backups_needs_what_it_works_with(
    terminal: Terminal, command: str, needed: set[str]
) -> None:
    assert heavy_modules(command, **terminal.settings) == needed
