"""The disk of the scratch folder is full: exit 3 with the folder and the remedy, and nothing false is recorded."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import Terminal

SIZE = "64k"


@pytest.fixture
def full_scratch(backed_up: Terminal) -> Iterator[Path]:
    """The scratch folder on a disk of its own, with room for a folder or two and for no file of a day."""
    folder = backed_up.folder / "home" / "scratch"
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk; test_local_files.py injects the error")
    try:
        with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    "command",
    [
        ("verify",),
        ("restore", "DAY", "--target", "sqlite:///restored.db"),
        ("restore", "DAY", "--target", "folder"),
        ("reconcile",),
        ("backup",),
        ("drill",),
        ("bundle", "--from", "DAY", "--out", "bundle.zip"),
    ],
    ids=lambda command: command[0],
)
def test_it_is_exit_3_with_the_folder_and_the_remedy(
    backed_up: Terminal, full_scratch: Path, newest: date, command: tuple[str, ...]
) -> None:
    done = backed_up.run(*(str(newest) if word == "DAY" else word for word in command))
    words = " ".join((done.out + done.err).split())
    assert done.code == 3, words
    assert f"cannot write {full_scratch}" in words
    assert "No space left on device" in words
    assert f"Free space on the disk of {full_scratch}" in words
    assert "endpoint" not in words
    assert "unexpected" not in words


def test_no_verification_is_recorded(backed_up: Terminal, full_scratch: Path) -> None:
    def verifications() -> list[object]:
        return [
            event
            for event in backed_up.run("audit", "log", "--json").json["events"]
            if event["action"] == "verification"
        ]

    before = verifications()
    assert backed_up.run("verify").code == 3
    assert verifications() == before


def test_a_journal_that_cannot_be_written_is_exit_3_too(backed_up: Terminal, newest: date, tmp_path: Path) -> None:
    journals = tmp_path / "restores"
    journals.write_text("a file is in the way", encoding="utf-8")
    command = ("restore", str(newest), "--target", f"sqlite:///{tmp_path / 'restored.db'}")
    done = backed_up.run(*command, SIGNAL_BACKUPS_HOME=str(tmp_path))
    assert done.code == 3, done.err
    assert f"cannot write {journals}" in " ".join(done.err.split())
    assert "SIGNAL_BACKUPS_HOME" in done.err
