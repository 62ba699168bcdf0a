"""The command as a process of its own: the installed script, exit codes, unexpected errors, a closed pipe."""

from __future__ import annotations

import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import PROJECT, TIMEOUT_S, Finished, Terminal, finished

# An error that no command provides for.
BROKEN = """
import signal_backups.core.vault.vault as broken
def fail(*_, **__): raise ZeroDivisionError("nobody thought of this")
broken.BackupVault.__init__ = fail
"""

# A Ctrl-C while a connection is made, which cannot be closed then.
INTERRUPTED = """
import signal_backups.core.vault.vault as interrupted
class Connection:
    def __init__(self): raise KeyboardInterrupt
    def __del__(self): self.never_assigned.close()
interrupted.BackupVault.__init__ = lambda *_, **__: Connection()
"""


@pytest.mark.parametrize(
    ("arguments", "code"), [(("--version",), 0), (("backup", "yesterday"), 2), (("verify", "--file", "nowhere.csv"), 4)]
)
def test_the_installed_script_ends_with_the_exit_code(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    script = Path(sys.executable).with_name("signal-backups")
    done = subprocess.run(
        [script, *arguments], cwd=tmp_path, env={}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert (done.returncode, bool(done.stderr)) == (code, code != 0)
    assert "Traceback" not in done.stderr


def test_a_backup_in_a_process_leaves_only_its_result_on_standard_output(terminal: Terminal, newest: date) -> None:
    done = terminal.run_process("backup", "--json")
    assert done.code == 0, done.err
    assert [backup["day"] for backup in done.json["backups"]] == [newest.isoformat()]


def test_an_unexpected_error_is_one_line_and_a_traceback_only_when_asked_for(terminal: Terminal) -> None:
    with terminal.start("list", prelude=BROKEN) as process:
        done = finished(process)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("Error: unexpected ZeroDivisionError: nobody thought of this")
    assert done.err.count("\n") == 1
    with terminal.start("list", prelude=BROKEN, SIGNAL_BACKUPS_DEBUG="1") as process:
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert "Traceback" in err


def test_an_interrupt_while_a_connection_is_made_prints_no_traceback(terminal: Terminal) -> None:
    with terminal.start("list", prelude=INTERRUPTED) as process:
        assert finished(process) == Finished(130, "", "")


def test_nobody_reading_the_output_any_more_changes_no_exit_code(terminal: Terminal) -> None:
    with terminal.start("--help") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert finished(process) == Finished(0, "", "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_pipe_is_no_error_in_whatever_is_printed(stream: str) -> None:
    program = f"""
import sys
from signal_backups.cli.streams import survive_closed_pipes
survive_closed_pipes()
for _ in range(3): print("é" * 200_000, file=sys.{stream}, flush=True)
sys.exit(5)"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        pipes = {"stdout": process.stdout, "stderr": process.stderr}
        read, other = pipes.pop(stream), pipes.popitem()[1]
        assert read is not None
        assert read.read(4).decode() == "éé"
        read.close()
        assert other is not None
        assert other.read() == b""
        assert process.wait(TIMEOUT_S) == 5


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_from_the_start_change_no_exit_code(closed: str) -> None:
    program = (
        "from signal_backups.cli import entry; import sys; sys.argv[1:] = ['verify', '--file', 'no']; entry.main()"
    )
    command = f"{sys.executable} -c {shlex.quote(program)} {closed}"
    environment = {"PYTHONPATH": str(PROJECT)}
    assert subprocess.run(["/bin/sh", "-c", command], env=environment, check=False, capture_output=True).returncode == 4


@pytest.mark.parametrize(
    ("arguments", "full", "said", "code"),
    [
        (["--help"], ">/dev/full", "Error: cannot write standard output", 3),
        (["verify", "--file", "no"], "2>/dev/full", "", 4),
    ],
)
def test_what_cannot_be_written_ends_a_process_without_a_traceback(
    arguments: list[str], full: str, said: str, code: int
) -> None:
    program = f"from signal_backups.cli import entry; import sys; sys.argv[1:] = {arguments}; entry.main()"
    command = f"{sys.executable} -c {shlex.quote(program)} {full}"
    environment = {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Exception ignored" not in done.stderr
