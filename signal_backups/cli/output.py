"""How results are printed: tables and sizes for people, one JSON document for machines, progress on a terminal only.

Results go to standard output, everything said about them (notices, errors, progress) to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from signal_backups.cli.interrupts import say_done
from signal_backups.cli.tables import draw_table
from signal_backups.core.base.day_ranges import ranges_of
from signal_backups.core.base.errors import LocalStorageError, SignalBackupsError

#: Width of tables when nobody is looking at a terminal: nothing is cut off in a log file.
_PIPE_WIDTH = 200
SHORT_SHA256 = 12


class Advance(Protocol):
    """Tells a progress bar, and whoever interrupts the command, that one more item is done."""

    def __call__(self, day: date | None = None) -> None:
        """One more, of that day if it has one."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on standard output."""
    draw_table(_console(stderr=False), title, columns, list(rows), _RIGHT)


_RIGHT = frozenset(
    [
        *("records", "bytes", "quarantined", "seconds", "rows hashed"),
        *("restored", "replaced", "skipped", "refused", "there now"),
        *("in source", "unchanged", "late", "mutated", "deleted"),
    ]
)


def print_line(text: str | Text) -> None:
    """A line on standard output; colours, if it has any, on a terminal only."""
    _console(stderr=False).print(text, markup=False, highlight=False, soft_wrap=True)


def print_notice(text: str) -> None:
    """A line on standard error."""
    _console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


def print_json(document: dict[str, Any]) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def print_error(error: SignalBackupsError, *, as_json: bool) -> None:
    """An error: a line for people, a document for machines."""
    if as_json:
        found = {"what": error.what, "remedy": error.remedy, "exit_code": int(error.exit_code)}
        print_json({"ok": False, "error": found})
    else:
        print_notice(f"Error: {error}")


def write_file(file: Path, body: bytes) -> None:
    """Write a file beside what is printed, and say so.

    Raises:
        LocalStorageError: it cannot be written there.
    """
    try:
        file.write_bytes(body)
    except OSError as error:
        raise LocalStorageError(f"cannot write {file}: {error.strerror}", remedy="Name another file") from error
    print_notice(f"Wrote {file}")


@contextmanager
def writing_beside() -> Iterator[None]:
    """A file that cannot be written is said on standard error; the exit code stays that of the result beside it."""
    try:
        yield
    except LocalStorageError as error:
        print_error(error, as_json=False)


@contextmanager
def progress(title: str, total: int, *, as_json: bool) -> Iterator[Advance]:
    """A progress bar on a terminal's standard error; silent elsewhere and for short work."""
    console = _console(stderr=True)
    done: list[date | None] = []
    say_done(lambda: _done(done, total))
    with Progress(
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=as_json or not console.is_terminal or total < 2,
    ) as bar:
        task = bar.add_task(title, total=total)

        def advance(day: date | None = None) -> None:
            done.append(day)
            bar.advance(task)

        yield advance


def _done(items: Sequence[date | None], total: int) -> str:
    """``3 of 30 are done: 2026-11-01 to 2026-11-03``."""
    days = day_ranges([day for day in items if day is not None])
    return f"{len(items)} of {total} are done{f': {days}' if days else ''}"


def size(count: int) -> str:
    """``14.8 kB``."""
    return decimal(count)


def moment(instant: datetime) -> str:
    """``2026-11-01 02:00:07Z``."""
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"


def age(seconds: float) -> str:
    """``1 day, 2:03:04``."""
    return str(timedelta(seconds=round(seconds)))


def day_ranges(days: Sequence[date]) -> str:
    """Days in order, runs of them folded: ``2026-11-01 to 2026-11-03, 2026-11-07``."""
    return ", ".join(map(str, ranges_of(days)))


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _PIPE_WIDTH)
