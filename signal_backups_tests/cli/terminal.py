"""The command line as users run it: in this process, which costs milliseconds, or in one of its own."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from signal_backups.cli.app import main
from signal_backups_tests.clock import in_other_process

PROJECT = Path(__file__).parents[2]
TIMEOUT_S = 240
_PROGRAM = "from signal_backups.cli.entry import main; main()"
#: Loggers that a command configures.
_LOGGERS = ("", "signal_backups")


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The document it printed."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True)
class Terminal:
    """A shell with settings, and a folder of its own."""

    folder: Path
    settings: dict[str, str]

    def run(self, *arguments: str, **changed: str) -> Finished:
        """Run ``signal-backups`` in this process, with some settings changed (empty: unset).

        It sees the settings and nothing else of the environment, and leaves nothing behind for the next. Insists that
        no traceback shows.
        """
        with _surroundings(self.folder, self._environment(changed), arguments) as (out, err):
            code = _exit_code()
        return _without_traceback(Finished(code, _text(out), _text(err)))

    def run_process(self, *arguments: str, **changed: str) -> Finished:
        """The same in a process of its own, for what only a process shows. Takes seconds."""
        with self.start(*arguments, **changed) as process:
            return finished(process)

    @contextmanager
    def start(self, *arguments: str, prelude: str = "", **changed: str) -> Iterator[subprocess.Popen[str]]:
        """Start it in a process of its own and go on; ``prelude`` is Python that runs there first."""
        # A test run in the background of a shell would hand its ignored SIGINT down.
        interruptible = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        program = "\n".join([interruptible, in_other_process(), prelude, _PROGRAM])
        with subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=self.folder,
            env=self._environment(changed) | {"PYTHONPATH": str(PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _environment(self, changed: dict[str, str]) -> dict[str, str]:
        settings = {name: value for name, value in {**self.settings, **changed}.items() if value}
        return {"PATH": os.environ["PATH"], **settings}


def finished(process: subprocess.Popen[str]) -> Finished:
    """Wait for the end of a started command and insist that no traceback shows."""
    out, err = process.communicate(timeout=TIMEOUT_S)
    return _without_traceback(Finished(process.returncode, out, err))


def _without_traceback(done: Finished) -> Finished:
    assert "Traceback" not in done.out + done.err, done.err
    return done


def _exit_code() -> int:
    """Of the process that this would be."""
    try:
        main()
    except SystemExit as ended:
        return _exit_code_of(ended.code)
    return 0


def _exit_code_of(code: object) -> int:
    # Python prints anything else, and ends with 1.
    assert code is None or isinstance(code, int), code
    return code or 0


@contextmanager
def _surroundings(
    folder: Path, environment: dict[str, str], arguments: tuple[str, ...]
) -> Iterator[tuple[io.TextIOWrapper, io.TextIOWrapper]]:
    """What a new process would have: folder, environment, arguments, empty streams, no handlers of logs."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        stack.enter_context(patch.dict(os.environ, environment, clear=True))
        stack.enter_context(patch.object(sys, "argv", ["signal-backups", *arguments]))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        stack.enter_context(_logging_restored())
        stack.enter_context(_signals_restored())
        yield out, err


@contextmanager
def _logging_restored() -> Iterator[None]:
    before = [(logging.getLogger(name), list(logging.getLogger(name).handlers)) for name in _LOGGERS]
    levels = [logger.level for logger, _ in before]
    try:
        yield
    finally:
        for (logger, handlers), level in zip(before, levels, strict=True):
            for added in [handler for handler in logger.handlers if handler not in handlers]:
                logger.removeHandler(added)
                added.close()
            logger.setLevel(level)


@contextmanager
def _signals_restored() -> Iterator[None]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _text(stream: io.TextIOWrapper) -> str:
    body = stream.buffer
    assert isinstance(body, io.BytesIO)
    return body.getvalue().decode("utf-8")
