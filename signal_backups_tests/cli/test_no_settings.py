"""Without settings a command says so and creates nothing: a wrong folder must not look like an empty store."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups_tests.cli.every_command import arguments_of, every_command
from signal_backups_tests.cli.terminal import Terminal

#: Those that may create a store.
CREATING = {("backup",), ("init",)}
#: Those that need none.
WITHOUT_STORE = {("verify-proof",), ("verify-bundle",), ("iam-policy",), ("alert", "test"), ("store", "stop")}
READING = [words for words, _ in every_command() if words not in CREATING | WITHOUT_STORE]


@pytest.fixture
def empty(tmp_path: Path) -> Terminal:
    """A terminal in an empty folder, without any setting."""
    return Terminal(tmp_path, {})


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_without_settings_says_so_and_creates_nothing(empty: Terminal, words: tuple[str, ...]) -> None:
    done = empty.run(*arguments_of(words))
    said = done.out if words == ("doctor",) else done.err
    assert (done.code, "no settings here" in said, str(empty.folder) in said) == (2, True, True), said
    assert "BACKUP_BUCKET_NAME" in said
    assert "Using the embedded" not in done.err
    assert list(empty.folder.iterdir()) == []


@pytest.mark.parametrize("words", sorted(WITHOUT_STORE), ids=" ".join)
def test_a_command_that_needs_no_store_creates_nothing_either(empty: Terminal, words: tuple[str, ...]) -> None:
    done = empty.run(*arguments_of(words))
    assert "no settings here" not in done.out + done.err
    assert list(empty.folder.iterdir()) == []


def test_a_dry_run_of_init_creates_nothing_and_names_what_does(empty: Terminal) -> None:
    done = empty.run("init", "--dry-run")
    assert (done.code, "no settings here" in done.err) == (2, True), done.err
    assert "To begin with an embedded store: signal-backups init" in done.err
    assert list(empty.folder.iterdir()) == []


def test_an_env_without_a_bucket_is_named(empty: Terminal) -> None:
    (empty.folder / ".env").write_text("SIGNALS_TABLE=signals\n")
    done = empty.run("status")
    assert done.code == 2
    assert f"neither the environment nor {empty.folder}/.env names a bucket" in done.err


def test_a_simulation_of_a_profile_needs_no_store(empty: Terminal) -> None:
    assert empty.run("simulate", "--profile", "recommended", "--size", "1000", "--years", "1").code == 0
    assert list(empty.folder.iterdir()) == []
