"""``kill -9`` while a backup is stored: what its run leaves is ended and removed, and nothing waits for it for ever."""

from __future__ import annotations

import signal
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.objectives import MAX_RUN_SILENCE
from signal_backups_tests.cli.terminal import TIMEOUT_S, Terminal

# The process is gone while the CSV is put.
KILLED = """
import os, signal
from signal_backups.core.s3.store import S3ObjectStore
def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
S3ObjectStore.put_file = kill
"""


@pytest.mark.slow
def test_the_next_backup_ends_the_run_and_removes_its_scratch(
    terminal: Terminal, newest: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal.start("backup", prelude=KILLED) as process:
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGKILL
    (left,) = scratch_folders(terminal)
    assert statuses(terminal) == {left.name: dg.DagsterRunStatus.STARTED}
    later = utc_now() + MAX_RUN_SILENCE
    monkeypatch.setattr("signal_backups.orchestration.assets.daily_backup.utc_now", lambda: later)
    done = terminal.run("backup", "--json")
    assert done.code == 0, done.err
    assert [backup["day"] for backup in done.json["backups"]] == [str(newest)]
    assert scratch_folders(terminal) == []
    assert statuses(terminal) == {
        left.name: dg.DagsterRunStatus.FAILURE,
        done.json["run_id"]: dg.DagsterRunStatus.SUCCESS,
    }


def scratch_folders(terminal: Terminal) -> list[Path]:
    return list((terminal.folder / "home" / "scratch").glob("*/"))


def statuses(terminal: Terminal) -> dict[str, dg.DagsterRunStatus]:
    with dg.DagsterInstance.from_config(str(terminal.folder / "home" / "dagster")) as instance:
        return {run.run_id: run.status for run in instance.get_runs()}
