"""Logs of commands and of Dagster's processes; never with a secret in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import TIMEOUT_S, Terminal

SECRET = "hunter2"


def test_a_backup_and_its_verification_step_by_step_and_no_secret(terminal: Terminal, newest: date) -> None:
    file = terminal.folder / "logs" / "backups.log"
    asked = {"SIGNAL_BACKUPS_LOG_FORMAT": "json", "SIGNAL_BACKUPS_LOG_FILE": str(file), "AWS_SESSION_TOKEN": ""}
    everything = {**asked, "SIGNAL_BACKUPS_LOG_LEVEL": "DEBUG"}
    done = terminal.run("backup", "--json", **everything)
    assert done.code == 0, done.err
    assert done.json["ok"]
    assert terminal.run("verify", **everything).code == 0
    down = terminal.run("backup", **everything, SIGNALS_DATABASE_URL=f"postgresql://u:{SECRET}@127.0.0.1:1/d")
    assert down.code == 3
    refused = terminal.run("verify", **everything, AWS_SECRET_ACCESS_KEY=SECRET)
    assert refused.code == 3

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    steps = [(line["step"], line["level"]) for line in lines if "step" in line]
    assert steps[:4] == [(step, "INFO") for step in ("extract", "csv", "store", "verify")]
    # Dagster tries a database that is away several times.
    assert set(steps[4:]) == {("backup", "ERROR")}
    errors = {line["error"] for line in lines if "error" in line}
    assert len(errors) == 1, errors
    assert "127.0.0.1" in errors.pop()
    assert {line["partition"] for line in lines if "step" in line} == {newest.isoformat()}
    shown = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert [line["step"] for line in shown if "step" in line] == ["extract", "csv", "store"]
    written = file.read_text() + "".join(one.out + one.err for one in (done, down, refused))
    assert terminal.settings["AWS_SECRET_ACCESS_KEY"] not in written
    assert SECRET not in written


def test_unless_asked_nothing_is_logged(terminal: Terminal) -> None:
    done = terminal.run("backup", "--json")
    assert (done.code, done.err) == (0, "")
    assert not list(terminal.folder.rglob("*.log.lock"))


@pytest.mark.parametrize("name", ["SIGNAL_BACKUPS_LOG_FORMAT", "SIGNAL_BACKUPS_LOG_LEVEL"])
def test_a_wrong_setting_is_code_2(terminal: Terminal, name: str) -> None:
    done = terminal.run("status", **{name: "nonsense"})
    assert done.code == 2
    assert name in done.err


def test_a_file_that_cannot_be_written_does_not_cost_the_backup(terminal: Terminal) -> None:
    done = terminal.run("backup", SIGNAL_BACKUPS_LOG_FILE="/dev/null/a.log")
    assert done.code == 0
    assert done.err.count("Cannot write the log file /dev/null/a.log") == 1


def test_a_run_of_dagsters_logs_to_the_file_too(terminal: Terminal, newest: date) -> None:
    assert terminal.run("init").code == 0
    file = terminal.folder / "dagster.log"
    home = terminal.folder / "dagster"
    home.mkdir()
    environment = {
        **terminal.settings,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DAGSTER_HOME": str(home),
        "SIGNAL_BACKUPS_LOG_FILE": str(file),
    }
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "signal_backups.definitions", "-j"]
    tags = {"dagster/partition": newest.isoformat()}
    done = subprocess.run(
        [*command, "daily_backup_job", "--tags", json.dumps(tags)],
        cwd=terminal.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = [line.partition("step=")[2].split()[0] for line in file.read_text().splitlines() if "step=" in line]
    assert steps == ["extract", "csv", "store"]
