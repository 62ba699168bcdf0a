"""Ctrl-C and SIGTERM, at whatever moment: exit code 130 or 143, a line that says what is done, no traceback."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.cli import app, output
from signal_backups.cli.entry import again
from signal_backups.orchestration.instance.home import persistent_instance
from signal_backups_tests.cli.terminal import PROJECT, Terminal

#: Long beside the two seconds that are promised, short beside those for which an interrupt was once ignored.
LIMIT_S = 10.0
DAYS = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

# A test run in the background of a shell would hand its ignored SIGINT down.
_INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
_COMMAND = _INTERRUPTIBLE + "from signal_backups.cli.entry import main; main()"

# What a process may be doing when the signal comes; "up" is printed when it does.
_PREPARED = """
import os, signal, sys, threading, time
from signal_backups.cli import interrupts
interrupts.LIMIT_S = 0.2
def up(): print("up", flush=True)
def forever():
    while True: time.sleep(0.01)
"""
SITUATIONS = {
    "waiting": "def run(): up(); time.sleep(60)",
    "busy outside of Python": "import hashlib\ndef run(): up(); hashlib.pbkdf2_hmac('sha512', b'', b'', 200_000_000)",
    "handlers replaced": """
def run():
    for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda *_: None)
    up(); forever()""",
    "interrupt swallowed": """
def run():
    up()
    try: forever()
    except KeyboardInterrupt: forever()""",
    "interrupt turned into another error": """
def run():
    up()
    try: forever()
    except KeyboardInterrupt: raise ImportError("broken half way")""",
    "threads that fail and go on": """
def fail(): time.sleep(0.1); raise ValueError
def run():
    for work in (forever, fail): threading.Thread(target=work).start()
    up(); time.sleep(60)""",
    "shutting down": """
import atexit
def run(): atexit.register(forever); atexit.register(up)""",
    "to be ended at once": """
def run():
    with interrupts.ended_at_once(): up(); time.sleep(60)""",
}


@dataclass(frozen=True)
class Ended:
    """How an interrupted process ended."""

    code: int
    out: str
    err: str


@contextmanager
def process(
    program: str, *arguments: str, folder: Path | None = None, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a Python program as a terminal would, in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def in_situation(situation: str, program: str = _INTERRUPTIBLE) -> str:
    """A program that is guarded in that situation."""
    return f"{program}{_PREPARED}{situation}\ninterrupts.guard(run, 'again')"


def ended(started: subprocess.Popen[str]) -> Ended:
    """Wait for the end, which must come soon, and insist that nothing is left of it."""
    out, err = started.communicate(timeout=LIMIT_S)
    with pytest.raises(ProcessLookupError):
        os.killpg(started.pid, 0)
    return Ended(started.returncode, out, err)


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_process_whatever_it_does(situation: str, number: signal.Signals) -> None:
    with process(in_situation(situation)) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        os.killpg(started.pid, number)
        word = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}[number]
        assert ended(started) == Ended(CODES[number], "", f"{word}. Run it again: again\n")


def interrupted(situation: str, *numbers: signal.Signals) -> Ended:
    """How a process in a situation ends after some signals."""
    with process(in_situation(situation)) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        for number in numbers:
            started.send_signal(number)
            time.sleep(0.1)
        return ended(started)


def test_the_second_signal_ends_it_at_once() -> None:
    never = "interrupts.LIMIT_S = 600" + SITUATIONS["interrupt swallowed"]
    assert interrupted(never, signal.SIGINT, signal.SIGINT).code == 130
    assert interrupted(never, signal.SIGTERM, signal.SIGINT).code == 143


def test_the_line_says_what_is_done_after_an_orderly_end(tmp_path: Path) -> None:
    situation = f"""
interrupts.LIMIT_S = 600
done = ["nothing is done"]
interrupts.say_done(lambda: done[-1])
def run():
    try: up(); time.sleep(60)
    finally: done.append("3 of 5 are done"); open({str(tmp_path / "tidy")!r}, "w").close()"""
    assert interrupted(situation, signal.SIGINT).err == "Interrupted. 3 of 5 are done. Run it again: again\n"
    assert (tmp_path / "tidy").exists()


def test_what_cannot_be_said_does_not_keep_it_from_ending() -> None:
    situation = "interrupts.say_done(lambda: 1 / 0)\n" + SITUATIONS["waiting"]
    assert interrupted(situation, signal.SIGINT) == Ended(130, "", "Interrupted. Run it again: again\n")


def test_what_is_ended_at_once_does_its_last_act_and_sees_no_exception(tmp_path: Path) -> None:
    situation = f"""
interrupts.LIMIT_S = 600
def run():
    with interrupts.ended_at_once(lambda: open({str(tmp_path / "acted")!r}, "w").close()):
        up()
        try: forever()
        finally: open({str(tmp_path / "unwound")!r}, "w").close()"""
    assert interrupted(situation, signal.SIGTERM).code == 143
    assert [path.name for path in tmp_path.iterdir()] == ["acted"]


@pytest.mark.parametrize("act", ["forever", "lambda: 1 / 0"])
def test_a_last_act_that_hangs_or_fails_ends_too(act: str) -> None:
    situation = f"def run():\n    with interrupts.ended_at_once({act}): up(); time.sleep(60)"
    assert interrupted(situation, signal.SIGINT) == Ended(130, "", "Interrupted. Run it again: again\n")


def test_to_be_stopped_may_be_how_a_command_ends() -> None:
    situation = "def run():\n    with interrupts.ended_at_once(code=0): up(); time.sleep(60)"
    assert interrupted(situation, signal.SIGTERM) == Ended(0, "", "Stopped\n")


def test_in_the_background_of_a_shell_sigint_stays_ignored() -> None:
    ignoring = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    with process(in_situation(SITUATIONS["waiting"], ignoring)) as started:
        assert started.stdout is not None
        started.stdout.readline()
        for number in SIGNALS:
            started.send_signal(number)
        assert ended(started).code == 143


def test_what_is_over_keeps_its_exit_code() -> None:
    with process(in_situation("def run(): sys.exit(4)")) as started:
        assert ended(started) == Ended(4, "", "")


def test_the_days_that_a_progress_bar_counted_are_done(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Callable[[], str]] = []
    monkeypatch.setattr(output, "say_done", said.append)
    with output.progress("Working", 5, as_json=True) as advance:
        assert said[0]() == "0 of 5 are done"
        for day in (1, 2, 4):
            advance(date(2026, 11, day))
    assert said[0]() == "3 of 5 are done: 2026-11-01 to 2026-11-02, 2026-11-04"
    with output.progress("Working", 5, as_json=True) as advance:
        advance()
    assert said[1]() == "1 of 5 are done"


def test_what_to_run_again_holds_no_password() -> None:
    arguments = ["restore", "--target", "postgresql://user:se/cret@db/target", "--from", "2026-11-01", "--as-of", "a b"]
    assert again(arguments) == "signal-backups restore --target … --from 2026-11-01 --as-of 'a b'"


@pytest.mark.parametrize(("words", "code"), [("Query interrupted", 130), ("something else", 1)])
def test_an_interrupted_query_is_an_interrupt_and_no_other_error_is(
    monkeypatch: pytest.MonkeyPatch, words: str, code: int
) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == code


# Real commands


def command(terminal: Terminal, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Start a command in a process group of its own."""
    return process(_COMMAND, *arguments, folder=terminal.folder, **terminal.settings)


def is_guarded(started: subprocess.Popen[str]) -> bool:
    """Whether the process has got as far as to answer signals itself; Python alone does not catch a SIGTERM."""
    status = Path(f"/proc/{started.pid}/status").read_text(encoding="ascii")
    caught = int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16)  # type: ignore[index]
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def pressed(terminal: Terminal, arguments: tuple[str, ...], moment: float, number: signal.Signals) -> Ended:
    """How a command ends when the signal comes some seconds after its start."""
    with command(terminal, *arguments) as started:
        while not is_guarded(started):
            time.sleep(0.001)
        time.sleep(moment)
        os.killpg(started.pid, number)
        return ended(started)


def seconds_of(terminal: Terminal, *arguments: str) -> float:
    """How long a command takes."""
    begun = time.monotonic()
    with command(terminal, *arguments) as started:
        _, err = started.communicate()
        assert started.returncode == 0, err
    return time.monotonic() - begun


def assert_well_ended(done: Ended, number: signal.Signals, arguments: tuple[str, ...]) -> bool:
    """Insist on the code and the line of an interrupt; returns whether the command was not over before."""
    assert "Traceback" not in done.out + done.err, done.err
    if done.code == 0:
        return False
    assert done.code == CODES[number], done.err
    assert done.err.splitlines()[-1].endswith(f"Run it again: signal-backups {shlex.join(arguments)}"), done.err
    return True


def moments(seconds: float, count: int) -> Iterator[tuple[float, signal.Signals]]:
    """Moments spread over the life of a command, each with one of the signals."""
    for index in range(count):
        yield seconds * index / count, SIGNALS[index % 2]


@pytest.fixture
def many_days(terminal: Terminal, newest: date) -> tuple[Terminal, tuple[str, ...]]:
    """A terminal whose database has some days, and the options that name them."""
    first = newest - timedelta(days=DAYS - 1)
    settings = terminal.settings | {"SIGNAL_BACKUPS_START_DATE": first.isoformat()}
    return Terminal(terminal.folder, settings), ("--from", first.isoformat(), "--to", newest.isoformat())


@pytest.mark.slow
def test_a_backup_pressed_at_twenty_moments_leaves_whole_days_and_no_run_that_goes_on(
    many_days: tuple[Terminal, tuple[str, ...]],
) -> None:
    terminal, days = many_days
    arguments = ("backup", *days)
    seconds = seconds_of(terminal, *arguments)
    prefixes = [f"vault-{number}/" for number in range(4)]
    for index, (moment, number) in enumerate(moments(seconds, 20)):
        # A vault that has all its days by now would show nothing of how they are stored.
        here = Terminal(terminal.folder, terminal.settings | {"BACKUP_PREFIX": prefixes[index % 4]})
        assert_well_ended(pressed(here, arguments, moment, number), number, arguments)
    with persistent_instance(Path(terminal.settings["SIGNAL_BACKUPS_HOME"]) / "dagster") as instance:
        statuses = {run.status for run in instance.get_runs()}
    assert statuses == {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED}
    for prefix in prefixes:
        for complete in (arguments, ("verify", "--last", str(DAYS)), ("audit", "verify")):
            done = terminal.run(*complete, BACKUP_PREFIX=prefix)
            assert done.code == 0, done.err


@pytest.mark.slow
def test_a_restore_pressed_at_ten_moments_goes_on_when_run_again(
    many_days: tuple[Terminal, tuple[str, ...]],
) -> None:
    terminal, days = many_days
    assert terminal.run("backup", *days).code == 0
    seconds = seconds_of(terminal, "restore", *days, "--target", "sqlite:///first.db")
    for moment, number in moments(seconds, 10):
        arguments = ("restore", *days, "--target", "sqlite:///target.db")
        if not assert_well_ended(pressed(terminal, arguments, moment, number), number, arguments):
            (terminal.folder / "target.db").unlink()
    assert terminal.run("restore", *days, "--target", "sqlite:///target.db").code == 0
