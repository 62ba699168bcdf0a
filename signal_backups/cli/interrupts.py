"""Ctrl-C and SIGTERM: a command ends within two seconds, with exit code 130 or 143 and a line that says what is done.

Python calls handlers of signals in the main thread, and only between two of its own instructions: a query or a request
holds them up for as long as it takes, and Dagster replaces them while a job runs. So a thread reads the signals from a
pipe, into which Python writes them as they arrive. It gives the command a moment to end in order, and then ends the
process, whatever the main thread does. What is stored survives that: every write of backups and restores is made for
a process that is killed.

This module is imported before everything else, so that the imports of a command can be interrupted too: it needs the
standard library alone.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

#: Seconds that a command has for ending in order after a signal.
LIMIT_S = 1.5

_WORDS = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}
# The end of an exit code is the shell's habit.
_SHELLS_BASE = 128
# A progress bar hides the cursor, and may be half drawn.
_TERMINAL_RESTORED = "\r\x1b[K\x1b[?25h"
_NO_SIGNAL = b"\0"


def _nothing() -> None:
    """What there is to do for a process that may end at any moment."""


class _State:
    """The interrupt of this process, if any, and what to do then."""

    def __init__(self) -> None:
        self.received: int | None = None
        #: None: the main thread ends in order. Otherwise it is left alone, and this is all that is done.
        self.last_act: Callable[[], None] | None = None
        self.code: int | None = None
        self.done: Callable[[], str] = str
        self.wake: Callable[[], object] = _nothing
        #: Where standard error leads, also when it is silenced; and nowhere.
        self.terminal = self.nowhere = -1


_state = _State()


def guard(run: Callable[[], None], again: str) -> None:
    """Run a command that SIGINT and SIGTERM end as described above.

    A SIGINT that is ignored from the start stays ignored: that is how shells start what runs in the background.

    Args:
        run: the command; imports what it needs.
        again: what to type to run it again.
    """
    _state.terminal, _state.nowhere = os.dup(sys.stderr.fileno()), os.open(os.devnull, os.O_WRONLY)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    _state.wake = lambda: os.write(writer, _NO_SIGNAL)
    threading.Thread(target=_watch, args=(reader, again), name="interrupts", daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    # Registered first, so that it runs last: in the milliseconds that are left, Python would have a signal kill it.
    atexit.register(_ignore)
    try:
        try:
            run()
        finally:
            _settle()
    except KeyboardInterrupt:  # it came just before _settle
        _settle()


def say_done(done: Callable[[], str]) -> None:
    """Have the line of an interrupt say what is done.

    Args:
        done: called in another thread; returns a sentence.
    """
    _state.done = done


@contextmanager
def ended_at_once(last_act: Callable[[], None] = _nothing, *, code: int | None = None) -> Iterator[None]:
    """An interrupt inside the block ends the process at once, without any exception in the main thread.

    Args:
        last_act: done in another thread before the end, if it takes no longer than ``LIMIT_S``.
        code: exit code; None: that of an interrupt.
    """
    before = _state.last_act, _state.code
    _state.last_act, _state.code = last_act, code
    try:
        yield
    finally:
        if _state.received is not None:
            _await_the_end()
        _state.last_act, _state.code = before


def hand_over(handler: Callable[[int, object], None]) -> None:
    """From now on signals are that handler's: for a program that only waits for another one.

    Also a SIGINT that was ignored: the other program would inherit that.
    """
    signal.set_wakeup_fd(-1)
    for number in _WORDS:
        signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> None:
    _receive(number)
    if _state.last_act is None:
        raise KeyboardInterrupt


def _ignore() -> None:
    for number in _WORDS:
        signal.signal(number, signal.SIG_IGN)


def _settle() -> None:
    """The command is over: either it was interrupted, or it ends as it wants to while Python shuts down."""
    if _state.last_act is None:
        _state.last_act = _nothing
    if _state.received is not None:
        _state.wake()
        _await_the_end()


def _await_the_end() -> NoReturn:
    while True:
        signal.pause()


def _watch(reader: int, again: str) -> None:
    number = None
    while number is None:
        number = next((number for number in os.read(reader, 1) if number in _WORDS), None)
    _receive(number)
    if _state.last_act is not None:
        threading.Thread(target=_act, args=(_state.last_act,), daemon=True).start()
    # The second signal ends it at once, and so does whoever is ready.
    select.select([reader], [], [], LIMIT_S)
    with suppress(OSError):  # nobody reads it any more
        line = _line(number, again, restored=os.isatty(_state.terminal))
        os.write(_state.terminal, line.encode("utf-8", "replace"))
    os._exit(_SHELLS_BASE + number if _state.code is None else _state.code)


def _act(last_act: Callable[[], None]) -> None:
    try:
        last_act()
    finally:
        _state.wake()


def _receive(number: int) -> None:
    """From now on nobody else prints: no traceback of any thread or library either."""
    _state.received = number
    for stream in (1, 2):
        os.dup2(_state.nowhere, stream)


def _line(number: int, again: str, *, restored: bool) -> str:
    beginning = _TERMINAL_RESTORED if restored else ""
    if _state.code is not None:
        return f"{beginning}Stopped\n"
    try:
        done = _state.done()
    except Exception:  # noqa: BLE001 - the state of an interrupted command may be anything
        done = ""
    return f"{beginning}{_WORDS[signal.Signals(number)]}. {f'{done}. ' if done else ''}Run it again: {again}\n"
