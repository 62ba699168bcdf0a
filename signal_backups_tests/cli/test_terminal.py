"""One command in this process sees nothing of this process, and leaves nothing in it for the next."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from signal_backups.cli import app as entry
from signal_backups_tests.cli.terminal import Terminal


def test_it_sees_its_own_surroundings_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def look(**_: object) -> None:
        seen.extend([dict(os.environ), Path.cwd(), sys.argv])
        sys.stdout.write("out")
        sys.stderr.write("err")

    monkeypatch.setattr(entry, "app", look)
    monkeypatch.setenv("BACKUP_BUCKET_NAME", "of the caller")
    done = Terminal(tmp_path, {"A": "1", "B": "2"}).run("list", "--json", A="", C="3")
    assert (done.code, done.out, done.err) == (0, "out", "err")
    assert seen == [{"PATH": os.environ["PATH"], "B": "2", "C": "3"}, tmp_path, ["signal-backups", "list", "--json"]]


def test_it_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(**_: object) -> None:
        os.environ["DAGSTER_HOME"] = "elsewhere"
        os.chdir("/")
        logging.getLogger("signal_backups").addHandler(logging.StreamHandler())
        logging.getLogger("signal_backups").setLevel("DEBUG")
        raise SystemExit(4)

    def surroundings() -> list[object]:
        logger = logging.getLogger("signal_backups")
        return [dict(os.environ), Path.cwd(), list(sys.argv), sys.stdout, list(logger.handlers), logger.level]

    monkeypatch.setattr(entry, "app", spoil)
    before = surroundings()
    assert Terminal(tmp_path, {}).run().code == 4
    assert surroundings() == before
