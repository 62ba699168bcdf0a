"""Detached processes are recognised from their start, and only the right ones are ended."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from signal_backups.embedded import processes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Prints "up" once it ignores SIGTERM.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def start(folder: Path, program: str, mark: str) -> int:
    command = [sys.executable, "-S", "-c", program, mark]
    pid_file = folder / "pid"
    processes.start_detached(command, folder=folder, environment={}, pid_file=pid_file, log=folder / "log")
    pid = processes.read_pid(pid_file)
    assert pid is not None
    return pid


def test_a_process_is_recognised_from_start_to_end(tmp_path: Path) -> None:
    for number in range(50):
        mark = f"mark-{number}"
        pid = start(tmp_path, "import time; time.sleep(60)", mark)
        assert processes.has_argument(pid, mark)
        assert not processes.has_argument(pid, "mark")
        assert processes.end(pid, mark)
        assert not processes.has_argument(pid, mark)


def test_a_process_runs_in_its_own_session(tmp_path: Path) -> None:
    pid = start(tmp_path, "import time; time.sleep(60)", "mark")
    assert os.getsid(pid) != os.getsid(0)
    assert processes.end(pid, "mark")


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TERMINATE_TIMEOUT_S", 0.2)
    (tmp_path / "log").touch()
    pid = start(tmp_path, STUBBORN, "mark")
    assert processes.wait_until(lambda: "up" in (tmp_path / "log").read_text(), 10)
    assert processes.end(pid, "mark")
    assert not processes.has_argument(pid, "mark")


def test_another_process_is_not_ended(tmp_path: Path) -> None:
    pid = start(tmp_path, "import time; time.sleep(60)", "mark")
    assert processes.end(pid, "another mark")
    os.kill(pid, signal.SIGKILL)


def test_a_missing_or_empty_pid_file_has_no_pid(tmp_path: Path) -> None:
    assert processes.read_pid(tmp_path / "pid") is None
    (tmp_path / "pid").write_text("")
    assert processes.read_pid(tmp_path / "pid") is None
