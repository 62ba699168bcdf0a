"""``--json`` exists on every command, is on the page, and gives a document also for wrong usage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signal_backups_tests.cli.every_command import every_command
from signal_backups_tests.cli.terminal import PROJECT, Terminal

EVERY = list(every_command())
PAGE = (PROJECT / "docs" / "json.md").read_text()


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder, without any setting."""
    return Terminal(tmp_path, {})


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in EVERY])
def test_every_command_takes_json_and_the_page_has_its_fields(words: tuple[str, ...], command: Any) -> None:
    assert "--json" in {name for parameter in command.params for name in parameter.opts}
    assert any(f"`{' '.join(words)}`" in line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `"))


@pytest.mark.parametrize("words", [words for words, _ in EVERY], ids=" ".join)
def test_wrong_usage_of_any_command_is_a_document(empty: Terminal, words: tuple[str, ...]) -> None:
    done = empty.run(*words, "--no-such-option", "--json")
    assert (done.code, done.err, done.json["ok"]) == (2, "", False)
    error = done.json["error"]
    assert error["exit_code"] == 2
    assert "--no-such-option" in error["what"]
    assert error["remedy"] == f"See: signal-backups {' '.join(words)} --help"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("lits", "--json"), "No such command 'lits'. Did you mean 'list'?"),
        (("--json",), "No such option: --json"),
        (("drill", "--json", "--days", "0"), "Invalid value for '--days'"),
        (("iam-policy", "--json"), "Missing argument 'ROLE'"),
    ],
)
def test_what_is_wrong_stands_in_the_document(empty: Terminal, arguments: tuple[str, ...], words: str) -> None:
    done = empty.run(*arguments)
    assert (done.code, done.err) == (2, "")
    assert words in done.json["error"]["what"]


def test_without_json_wrong_usage_is_said_on_standard_error(empty: Terminal) -> None:
    done = empty.run("drill", "--days", "0")
    assert (done.code, done.out) == (2, "")
    assert "Invalid value for '--days'" in done.err


def test_help_is_help_also_beside_json(empty: Terminal) -> None:
    done = empty.run("drill", "--json", "--help")
    assert (done.code, done.err) == (0, "")
    assert "Restore sample days" in done.out


def test_a_policy_is_in_a_document(empty: Terminal) -> None:
    plain = empty.run("iam-policy", "auditor", "--bucket", "desk").json
    document = empty.run("iam-policy", "auditor", "--bucket", "desk", "--json").json
    assert document == {"ok": True, "role": "auditor", "bucket": "desk", "policy": plain}
