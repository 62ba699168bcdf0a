"""``--from`` and ``--to`` mean the same on every command, and their defaults stand in the help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signal_backups_tests.cli.every_command import arguments_of, every_command
from signal_backups_tests.cli.terminal import Terminal

RANGED = {words: command for words, command in every_command() if any("--to" in each.opts for each in command.params)}
#: Nobody may hold, release or lock by a default.
WITHOUT_DEFAULT = {("hold", "put"), ("hold", "release"), ("lock", "extend")}
#: A range there is in place of a day.
IN_PLACE_OF_A_DAY = {("backup",), ("restore",)}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal whose store nobody reaches: a range is judged before."""
    store = {"BACKUP_BUCKET_NAME": "bucket", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    return Terminal(tmp_path, {**store, "SIGNALS_DATABASE_URL": f"sqlite:///{tmp_path}/signals.db"})


def without_range(words: tuple[str, ...]) -> tuple[str, ...]:
    if words == ("restore",):
        return (*words, "--target", "files")
    arguments = arguments_of(words)
    return arguments[: arguments.index("--from")] + arguments[6:] if "--from" in arguments else arguments


def test_the_commands_with_ranges() -> None:
    assert len(RANGED) >= 11


@pytest.mark.parametrize("words", RANGED, ids=" ".join)
def test_an_end_without_a_beginning_is_wrong_usage(terminal: Terminal, words: tuple[str, ...]) -> None:
    done = terminal.run(*without_range(words), "--to", "2026-11-01")
    assert done.code == 2
    assert "--from" in done.err
    if words not in WITHOUT_DEFAULT:
        assert done.err == "Error: --to was given without --from. Name the first day with --from\n"


@pytest.mark.parametrize("words", RANGED, ids=" ".join)
def test_a_range_in_the_wrong_order_says_so(terminal: Terminal, words: tuple[str, ...]) -> None:
    done = terminal.run(*without_range(words), "--from", "2026-11-02", "--to", "2026-11-01")
    assert (done.code, "Swap --from and --to" in done.err) == (2, True)


@pytest.mark.parametrize("words", [words for words in RANGED if words[0] != "audit"], ids=" ".join)
def test_a_range_of_the_future_says_so(terminal: Terminal, words: tuple[str, ...]) -> None:
    future = ("--from", "2999-01-01")
    done = terminal.run(*without_range(words), *future, *(("--to", "2999-01-02") if words in WITHOUT_DEFAULT else ()))
    assert done.code == 2
    assert "2999-01-01 has not ended yet (UTC)" in done.err


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in RANGED.items()])
def test_the_help_names_the_defaults(words: tuple[str, ...], command: Any) -> None:
    helps = {name: each.help for each in command.params for name in each.opts}
    if words not in WITHOUT_DEFAULT:
        assert "default:" in helps["--to"]
    if words not in WITHOUT_DEFAULT | IN_PLACE_OF_A_DAY:
        assert "default:" in helps["--from"]
