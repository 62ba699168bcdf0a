"""Standard output and error that outlive their readers: ``status | head -1`` ends with the exit code of ``status``.

A result that could not be written, because a disk is full, is none: no command ends with 0 then.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# ExitCode.UNREACHABLE; nothing of the project is imported before pipes and signals are seen to.
_CANNOT_BE_WRITTEN = 3


class _Outliving(io.FileIO):
    """A stream that leads nowhere once it cannot be written.

    Attributes:
        problem: why it cannot be written; None: it can be, or nobody reads it any more.
    """

    problem: OSError | None = None

    def write(self, body: ReadableBuffer, /) -> int:
        try:
            return super().write(body)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.problem = error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(body)


def survive_closed_pipes() -> None:
    """Have this process go on when its output cannot be written, or whoever reads it has ended, or never was there."""
    sys.stdout, sys.stderr = _outliving(sys.stdout), _outliving(sys.stderr)


@contextmanager
def unwritten_output_fails() -> Iterator[None]:
    """Have a command that is done, but whose standard output could not be written, end with 3 instead of 0.

    Raises:
        SystemExit: with another code than the command's.
    """
    try:
        yield
    except SystemExit as ended:
        if ended.code or not (problem := _problem_of_output()):
            raise
    else:
        if not (problem := _problem_of_output()):
            return
    remedy = "Free space, or write it elsewhere, and run it again"
    sys.stderr.write(f"Error: cannot write standard output: {problem.strerror}. {remedy}\n")
    raise SystemExit(_CANNOT_BE_WRITTEN)


def _problem_of_output() -> OSError | None:
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.problem if isinstance(raw, _Outliving) else None


def _outliving(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed from the start
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(_Outliving(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
