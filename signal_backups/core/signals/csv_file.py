"""Writing and reading the backup CSV: UTF-8, header, RFC 4180 quoting, LF; NULL is empty, an empty string is ``""``."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.local_files import is_disk_full
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.extra_columns import EXTRA_VALUES, extra_names
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    OPTIONAL_COLUMNS,
    PIECE,
    REQUIRED_COLUMNS,
    SOURCE_HASH_COLUMNS,
    VERIFICATION_HASH,
)

#: Longest line that can be read, in bytes; a signal has about 300.
MAX_LINE_BYTES = 16 * 1024 * 1024
#: The same in a quarantine that is not longer; those of earlier releases kept values of any length in their columns.
MAX_OLD_LINE_BYTES = 64 * 1024 * 1024

_COPY_CHUNK_BYTES = 1024 * 1024


def write_part(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, path: Path) -> None:
    """Write text columns as CSV lines without a header, in the given order."""
    cursor.register("csv_rows", rows)
    cursor.execute(
        f"COPY (SELECT * FROM csv_rows) TO {literal(str(path))} "
        "(FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', NULLSTR '')"
    )
    cursor.unregister("csv_rows")


def write_rows(cursor: duckdb.DuckDBPyConnection, query: str, path: Path, *, header: bool = True) -> int:
    """Write the text columns of a query as a CSV; returns the number of rows."""
    (count,) = cursor.execute(
        f"COPY ({query}) TO {literal(str(path))} (FORMAT csv, HEADER {header}, DELIMITER ',', QUOTE '\"', NULLSTR '')"
    ).fetchone() or (0,)
    return int(count)


def join_parts(columns: Sequence[str], parts: Iterable[Path], target: Path) -> FileDigest:
    """Write a header and the parts, in order, into one file; each part is removed after it was copied."""
    header = target.with_suffix(".header")
    header.write_bytes((",".join(map(_quoted_name, columns)) + "\n").encode("utf-8"))
    return join_files(target, chain([header], parts))


def join_files(target: Path, parts: Iterable[Path]) -> FileDigest:
    """Write the parts, in order, into one file; each part is removed after it was copied."""
    sha256 = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as lines:
                while chunk := lines.read(_COPY_CHUNK_BYTES):
                    sha256.update(chunk)
                    out.write(chunk)
            part.unlink()
    return FileDigest(target.stat().st_size, sha256.hexdigest())


def read_sql(path: Path, *, is_quarantine: bool = False) -> str:
    """SQL for a relation of the text columns of a backup, one row per signal, in file order.

    It has ``CSV_COLUMNS`` and, as a list, ``EXTRA_VALUES`` (null in a file without extra columns).

    Args:
        path: the file.
        is_quarantine: whether it is a quarantine; the pieces of values in it are no rows.

    Raises:
        VerificationError: the header is not that of a backup.
    """
    header = _read_header(path)
    column_of = {_field_of(name): name for name in header}
    missing = [name for name in REQUIRED_COLUMNS if name not in column_of]
    if missing or len(column_of) != len(header):
        raise VerificationError(
            f"{path.name} is not a backup CSV: its header {'lacks ' + ', '.join(missing) if missing else 'repeats'}",
            remedy="Check that it is the complete, unedited file",
        )
    selected = ", ".join(_selected(name, column_of) for name in CSV_COLUMNS)
    rows = read_quarantine_sql(path) if is_quarantine else _reader(path, header)
    extras = ", ".join(_identifier(name) for name in extra_names(header))
    values = f"list_value({extras})" if extras else "CAST(NULL AS VARCHAR[])"
    return f"(SELECT {selected}, {values} AS {EXTRA_VALUES} FROM {rows})"


def extras_of(path: Path) -> tuple[str, ...]:
    """The names of the extra columns of a backup or a quarantine CSV, in file order."""
    return extra_names(_read_header(path))


def with_extra_columns(rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """Replace ``EXTRA_VALUES`` by a column for each name, at the end."""
    values = rows.column(EXTRA_VALUES)
    rows = rows.drop_columns([EXTRA_VALUES])
    for index, name in enumerate(names):
        rows = rows.append_column(name, pc.list_element(values, index))
    return rows


def extra_columns_sql(names: Sequence[str], values: str = EXTRA_VALUES) -> str:
    """SQL: a column for each name, from the list of their values; begins with a comma unless there are none."""
    return "".join(f", {values}[{number}] AS {_identifier(name)}" for number, name in enumerate(names, 1))


@contextmanager
def reading_rows(path: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Provide a cursor, and the relation of a backup CSV's text columns, for queries inside the ``with`` block.

    Raises:
        VerificationError: the file does not parse as a backup CSV.
    """
    with closing(duckdb_engine.cursor()) as cursor:
        try:
            yield cursor, read_sql(path)
        except duckdb.OutOfMemoryException:
            raise  # says nothing about the file
        except duckdb.Error as error:
            if is_disk_full(error):
                raise  # says nothing about the file either
            reason = " ".join(str(error).splitlines()[:2])
            raise VerificationError(f"{path.name} does not parse as a backup CSV: {reason}") from error


def read_as_stored_sql(path: Path) -> str:
    """SQL for a relation of all columns of a CSV that this software wrote, as text."""
    # Larger buffers take memory: a file that needs several of them cannot have lines that are so long.
    needs_old = MAX_LINE_BYTES < path.stat().st_size <= MAX_OLD_LINE_BYTES
    line_bytes = MAX_OLD_LINE_BYTES if needs_old else MAX_LINE_BYTES
    return f"(FROM {_reader(path, _read_header(path), line_bytes)})"


def read_quarantine_sql(path: Path) -> str:
    """SQL for a relation of all columns of the rows of a quarantine CSV, as text; without the pieces of values."""
    return f"(FROM {read_as_stored_sql(path)} WHERE {FAULTS} <> '{PIECE}')"


def count_quarantined(path: Path) -> int:
    """Parse a quarantine CSV and count its rows.

    Raises:
        VerificationError: the file does not parse.
    """
    with reading_rows(path) as (cursor, _):
        (count,) = cursor.execute(f"SELECT count(*) FROM {read_quarantine_sql(path)}").fetchone() or (0,)
    return int(count)


def _reader(path: Path, header: list[str], line_bytes: int = MAX_LINE_BYTES) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    return (
        f"read_csv({literal(str(path))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, strict_mode = true, "
        f"max_line_size = {line_bytes}, buffer_size = {max(line_bytes, 2 * MAX_LINE_BYTES)})"
    )


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        first_line = file.readline(MAX_LINE_BYTES)
    try:
        return next(csv.reader([first_line]), [])
    except csv.Error:
        return []  # the first line is too long for a header


def _field_of(column: str) -> str:
    return VERIFICATION_HASH if column in SOURCE_HASH_COLUMNS else column


def _selected(name: str, column_of: dict[str, str]) -> str:
    if name in column_of:
        return f"{_identifier(column_of[name])} AS {name}"
    if name in OPTIONAL_COLUMNS:
        return f"CAST(NULL AS VARCHAR) AS {name}"
    raise KeyError(name)


def column_sql(name: str, names: Sequence[str]) -> str:
    """SQL: a column of a CSV, NULL when it is none of its names."""
    return _identifier(name) if name in names else "CAST(NULL AS VARCHAR)"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _quoted_name(name: str) -> str:
    """A name in a header, quoted where RFC 4180 requires it."""
    return _identifier(name) if any(mark in name for mark in ',"') else name


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
