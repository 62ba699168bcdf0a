"""What this machine cannot write: exit 3 with the path and the remedy, and no result is hidden, changed or recorded."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import Finished, Terminal

WITH_A_HOME = (
    ("backup",),
    ("verify",),
    ("restore", "DAY", "--target", "sqlite:///restored.db"),
    ("restore", "DAY", "--target", "restored"),
    ("reconcile",),
    ("reconcile", "--backup-late"),
    ("drill",),
    ("bundle", "--from", "DAY", "--out", "bundle.zip"),
    ("prove", "SIGNAL", "--date", "DAY"),
)


@pytest.fixture
def in_the_way(backed_up: Terminal) -> Path:
    """A file where a folder is wanted; nobody can write below it, not even root."""
    file = backed_up.folder / "file"
    file.write_text("in the way", encoding="utf-8")
    return file


def said(done: Finished) -> str:
    return " ".join((done.out + done.err).split())


@pytest.mark.parametrize("command", WITH_A_HOME, ids=" ".join)
def test_a_home_that_cannot_be_written_is_exit_3(
    backed_up: Terminal, in_the_way: Path, newest: date, command: tuple[str, ...]
) -> None:
    words = {"DAY": str(newest), "SIGNAL": "1"}
    done = backed_up.run(*(words.get(word, word) for word in command), SIGNAL_BACKUPS_HOME=str(in_the_way / "home"))
    assert done.code == 3, said(done)
    assert f"cannot write {in_the_way}" in said(done)
    assert "SIGNAL_BACKUPS_HOME" in said(done)
    assert "unexpected" not in said(done)


def verifications(terminal: Terminal) -> list[object]:
    events = terminal.run("audit", "log", "--json").json["events"]
    return [event for event in events if event["action"] == "verification"]


def test_a_verification_that_this_machine_could_not_do_is_not_recorded(backed_up: Terminal, in_the_way: Path) -> None:
    before = verifications(backed_up)
    assert backed_up.run("verify", SIGNAL_BACKUPS_HOME=str(in_the_way / "home")).code == 3
    assert verifications(backed_up) == before


@pytest.mark.parametrize("command", ["backup", "init"])
def test_an_embedded_store_that_cannot_be_written_is_exit_3(
    backed_up: Terminal, in_the_way: Path, command: str
) -> None:
    done = backed_up.run(command, SIGNAL_BACKUPS_HOME=str(in_the_way / "home"), BACKUP_BUCKET_NAME="")
    assert done.code == 3, said(done)
    assert f"cannot write {in_the_way / 'home' / 's3'}: Not a directory. Move away what is in its place" in said(done)


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--html"),
        ("cost", "--png"),
        ("audit", "retention", "--no-report", "--html"),
        ("audit", "retention", "--no-report", "--png"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_report_that_cannot_be_written_neither_hides_the_result_nor_changes_its_code(
    backed_up: Terminal, in_the_way: Path, command: tuple[str, ...], *, as_json: bool
) -> None:
    options = ("--json",) if as_json else ()
    plain = backed_up.run(*command[:-1], *options)
    for place, why in (
        (in_the_way / "out", "Not a directory"),
        (in_the_way.parent / "nowhere" / "out", "No such file or directory"),
        (in_the_way.parent, "Is a directory"),
    ):
        done = backed_up.run(*command, str(place), *options)
        assert done.code == plain.code
        assert done.err == f"{plain.err}Error: cannot write {place}: {why}. Name another file\n"
        assert done.out[:20] == plain.out[:20]
        assert len(done.out.splitlines()) == len(plain.out.splitlines())


def test_a_bundle_a_proof_and_metrics_that_cannot_be_written_are_exit_3(
    backed_up: Terminal, in_the_way: Path, newest: date
) -> None:
    out = in_the_way / "out"
    with sqlite3.connect(backed_up.folder / "signals.db") as database:
        of_the_day = "SELECT max(signal_id) FROM signals WHERE substr(timestamp, 1, 10) = ?"
        (signal,) = database.execute(of_the_day, [str(newest)]).fetchone()
    for command, problem in (
        (("bundle", "--from", str(newest), "--out", f"{out}.zip"), f"no folder {in_the_way}"),
        (("prove", str(signal), "--out", f"{out}.json"), f"cannot write {out}.json: Not a directory"),
        (("metrics", "textfile", f"{out}.prom"), f"cannot write {out}.prom: Not a directory"),
    ):
        done = backed_up.run(*command)
        assert (done.code, done.out) == (3, ""), said(done)
        assert problem in said(done)
