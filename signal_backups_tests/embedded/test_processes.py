"""Detached processes: found at once, ended only when they are the right ones."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from signal_backups.embedded import processes

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

# Ignores SIGTERM once it has said so.
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def start(folder: Path, program: str, mark: str) -> int:
    command = [sys.executable, "-S", "-c", program, mark]
    pid_file = folder / "pid"
    processes.start_detached(command, folder=folder, environment={}, pid_file=pid_file, log=folder / "log")
    pid = processes.read_pid(pid_file)
    assert pid is not None
    return pid


def test_a_process_is_recognised_from_its_first_moment_to_its_last(tmp_path: Path) -> None:
    for number in range(50):
        mark = f"mark-{number}"
        pid = start(tmp_path, "import time; time.sleep(60)", mark)
        assert processes.has_argument(pid, mark)
        assert not processes.has_argument(pid, "mark")
        assert processes.end(pid, mark)
        assert not processes.has_argument(pid, mark)


def test_it_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    pid = start(tmp_path, "import time; time.sleep(60)", "mark")
    assert os.getsid(pid) != os.getsid(0)
    assert processes.end(pid, "mark")


def test_who_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "TERMINATE_TIMEOUT_S", 0.2)
    (tmp_path / "log").touch()
    pid = start(tmp_path, STUBBORN, "mark")
    assert processes.wait_until(lambda: "up" in (tmp_path / "log").read_text(), 10)
    assert processes.end(pid, "mark")
    assert not processes.has_argument(pid, "mark")


def test_another_process_is_left_alone(tmp_path: Path) -> None:
    pid = start(tmp_path, "import time; time.sleep(60)", "mark")
    assert processes.end(pid, "another mark")
    os.kill(pid, signal.SIGKILL)


def test_no_pid_where_there_is_no_number(tmp_path: Path) -> None:
    assert processes.read_pid(tmp_path / "pid") is None
    (tmp_path / "pid").write_text("")
    assert processes.read_pid(tmp_path / "pid") is None
