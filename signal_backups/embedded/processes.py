"""Server processes that outlive the program that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TERMINATE_TIMEOUT_S = 15.0
KILL_TIMEOUT_S = 5.0
EXEC_TIMEOUT_S = 2.0
POLL_S = 0.05

# The shell starts the server in the background and exits, so the server is not a child of this program and leaves no
# zombie. The shell writes the pid, so an interruption cannot lose it.
_DETACH = 'umask 077; pid_file=$1; log=$2; shift 2; "$@" </dev/null >>"$log" 2>&1 & echo $! >"$pid_file"'


def start_detached(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], pid_file: Path, log: Path
) -> None:
    """Start ``command`` in ``folder``, in a separate session that Ctrl-C in this terminal does not reach."""
    subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", str(pid_file), str(log), *command],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=True,
    )


def read_pid(pid_file: Path) -> int | None:
    """Return the process id in the file; None if there is none."""
    try:
        return int(pid_file.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None


def has_argument(pid: int, argument: str) -> bool:
    """Return whether the process runs and was started with ``argument``; its pid may have been reused."""
    if Path("/proc/self").exists():
        return argument in _proc_arguments(pid)
    ps = ["/bin/ps", "-ww", "-p", str(pid), "-o", "command="]
    shown = subprocess.run(ps, capture_output=True, text=True, check=False)
    return f" {argument} " in f"{shown.stdout.strip()} "


def end(pid: int, argument: str) -> bool:
    """End the process if it was started with ``argument``, with SIGTERM, then SIGKILL; returns whether it has ended."""
    for sign, timeout in ((signal.SIGTERM, TERMINATE_TIMEOUT_S), (signal.SIGKILL, KILL_TIMEOUT_S)):
        if not has_argument(pid, argument):
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        if wait_until(lambda: not has_argument(pid, argument), timeout):
            return True
    return False


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait for the condition; returns False if it is not true after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def _proc_arguments(pid: int) -> list[str]:
    # The command line of a running process is empty for a moment during exec.
    deadline = time.monotonic() + EXEC_TIMEOUT_S
    while not (line := _read_proc(pid, "cmdline")) and not _has_ended(pid) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return os.fsdecode(line).split("\0")


def _has_ended(pid: int) -> bool:
    state = _read_proc(pid, "stat").rpartition(b")")[2].split()
    return not state or state[0] in {b"Z", b"X"}


def _read_proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
