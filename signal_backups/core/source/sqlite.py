"""Reading signals from SQLite, where every value has its own type, so the type of every value is checked.

Text is read as bytes, so that NUL and invalid UTF-8 are preserved; a value that its field cannot hold is put into
``unreadable_values`` as an SQL literal. A timestamp that is not text is read as such a literal. A WAL database is read
while others write to it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SourceError
from signal_backups.core.signals.extra_columns import NO_EXTRAS, ExtraChoice, ExtraColumn, split_columns
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    MAX_KEPT_BYTES,
    MAX_VALUE_BYTES,
    NUMBER_COLUMNS,
    TIMESTAMP,
    TIMESTAMP_CHARACTERS,
    UNREADABLE_VALUES,
)
from signal_backups.core.source.adbc import fetch_all, read_stream, regrouped
from signal_backups.core.source.base import (
    BATCH_ROWS,
    CUT_EXTRAS,
    EXACT_INTEGER,
    IDENTITY_COLUMNS,
    IDENTITY_SCHEMA,
    SOURCE_SCHEMA,
    DaySnapshot,
    SignalTable,
    SourceDescription,
    TableColumns,
    cut_extras,
    quoted,
    with_extra_values,
)
from signal_backups.core.source.row_filters import TextFilters
from signal_backups.core.source.sqlite_extras import extra_text

BUSY_TIMEOUT_MS = 5_000
#: The driver limits its batches by rows alone. A row with a longer value is read alone, after the others.
_LONG_BYTES = 64 * 1024
_DRIVER_ROWS = 256

_Read = Callable[[dbapi.Connection, TableColumns, str], Iterator[pa.RecordBatch]]


class SqliteSource:
    """A signals table in an SQLite file."""

    def __init__(self, path: Path, table: str, extras: ExtraChoice = NO_EXTRAS) -> None:
        self._path = path
        self._table = table
        self._extras = extras

    def describe(self) -> SourceDescription:
        """See ``SignalSource.describe``."""
        types = self._types()
        columns = TableColumns.match(self._table, list(types))
        kept, unknown = split_columns(columns.others(types), self._extras)
        return SourceDescription(
            engine="sqlite",
            location=str(self._path.absolute()),
            table=self._table,
            hash_column=columns.hash_column,
            optional_columns=columns.optional_present,
            extra_columns=kept,
            unknown_columns=unknown,
            absent_columns=self._extras.absent_from(list(types)),
            is_settled=self._extras.is_settled,
        )

    def in_transaction(self, connection: dbapi.Connection) -> SignalTable:
        """See ``SignalTable``.

        Raises:
            SourceError: the table is not a signals table, or the database is not in UTF-8.
        """
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA encoding")
            self._require_utf8(cursor.fetchall())
            cursor.execute("SELECT name, type FROM pragma_table_info(?)", (self._table,))
            types = {str(name): str(kind) for name, kind in cursor.fetchall()}
        columns = self._matched(types)
        return SignalTable(columns, partial(self._rows, connection, columns), row_filters(columns), types)

    @contextmanager
    def read_day(self, day: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_day``."""
        columns = self._columns()
        with self._snapshot(columns, row_filters(columns).of_day(day), self._rows) as snapshot:
            yield snapshot

    @contextmanager
    def read_undated(self, first: date, last: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_undated``."""
        columns = self._columns()
        with self._snapshot(columns, row_filters(columns).of_no_day(first, last), self._rows) as snapshot:
            yield snapshot

    @contextmanager
    def read_identities(self, day: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_identities``."""
        columns = self._columns()
        with self._snapshot(columns, row_filters(columns).of_day(day), self._identities) as snapshot:
            yield snapshot

    @contextmanager
    def _snapshot(self, columns: TableColumns, conditions: Sequence[str], read: _Read) -> Iterator[DaySnapshot]:
        try:
            with closing(adbc.connect(self._uri(), autocommit=False)) as connection:
                with closing(connection.cursor()) as cursor:
                    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
                    cursor.fetchall()
                    # The first read of a transaction fixes its snapshot, so the batches are of this snapshot.
                    cursor.execute("PRAGMA schema_version")
                    (schema_version,) = cursor.fetchone() or (None,)
                batches = (batch for where in conditions for batch in read(connection, columns, where))
                with closing(batches):
                    yield DaySnapshot(batches, f"schema_version={schema_version}", columns.extra_names)
        except dbapi.Error as error:
            raise self._unreadable(str(error)) from error

    def _rows(self, connection: dbapi.Connection, columns: TableColumns, where: str) -> Generator[pa.RecordBatch]:
        queries = _Queries(
            _count(self._table, where),
            _select(self._table, columns, where),
            _select(self._table, columns, where, MAX_KEPT_BYTES),
        )
        for batch in _batches(connection, queries):
            yield with_extra_values(_decoded(batch, [*SOURCE_SCHEMA.names[:-1], *columns.extra_names]), SOURCE_SCHEMA)

    def _identities(self, connection: dbapi.Connection, columns: TableColumns, where: str) -> Generator[pa.RecordBatch]:
        queries = _Queries(
            _count(self._table, where),
            _select_identities(self._table, columns, where),
            # The extract has no longer id either, so that both have the same fingerprint.
            _select_identities(self._table, columns, where, MAX_VALUE_BYTES),
        )
        for batch in _batches(connection, queries):
            fields = zip(IDENTITY_COLUMNS, _decoded(batch, IDENTITY_COLUMNS), strict=True)
            yield pa.record_batch([_of_extract(name, values) for name, values in fields], schema=IDENTITY_SCHEMA)

    def _columns(self) -> TableColumns:
        return self._matched(self._types())

    def _matched(self, types: dict[str, str]) -> TableColumns:
        columns = TableColumns.match(self._table, list(types))
        kept, _ = split_columns(columns.others(types), self._extras)
        return replace(columns, extras=kept)

    def _types(self) -> dict[str, str]:
        """Name -> declared type of each column; generated ones, which SQLite computes again, are not listed."""
        if not self._path.is_file():
            raise SourceError(
                f"no SQLite database at {self._path}", remedy="Check SIGNALS_DATABASE_URL; nothing was backed up"
            )
        try:
            with closing(sqlite3.connect(self._uri(), uri=True, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
                self._require_utf8(connection.execute("PRAGMA encoding").fetchall())
                rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (self._table,)).fetchall()
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from error
        if not rows:
            raise SourceError(
                f"no table {self._table!r} in {self._path}", remedy="Check SIGNALS_TABLE; nothing was backed up"
            )
        return dict(rows)

    def _require_utf8(self, rows: Sequence[Sequence[object]]) -> None:
        """Refuse a database in UTF-16, whose text would be read as bytes that are no text."""
        ((encoding,),) = rows
        if encoding != "UTF-8":
            raise SourceError(
                f"SQLite database {self._path} is in {encoding}, not UTF-8",
                remedy=f"Convert it: sqlite3 {self._path} .dump | sqlite3 NEW.db, and use the new database; nothing "
                "was backed up or restored",
            )

    def _uri(self) -> str:
        return f"{self._path.absolute().as_uri()}?mode=ro"

    def _unreadable(self, reason: str) -> SourceError:
        locked = "locked" in reason or "busy" in reason
        return SourceError(
            f"cannot read SQLite database {self._path}: {reason.splitlines()[0]}",
            remedy="A writer has locked it: run again when it has finished, or switch the database to WAL mode"
            if locked
            else "Check that the file is a readable SQLite database; nothing was backed up",
            transient=locked,
        )


def row_filters(columns: TableColumns) -> TextFilters:
    """The conditions that select rows by their timestamps, which are text."""
    stamp = f"t.{quoted(columns.columns[TIMESTAMP])}"
    beginning = f"substr({stamp}, 1, 10)"
    return TextFilters(
        stamp,
        has_offset=f"substr({stamp}, 17) GLOB '*[+-]*' AND substr({stamp}, -6) <> '+00:00'",
        names_no_day=f"typeof({stamp}) <> 'text' OR coalesce(date({beginning}) <> {beginning}, 1)",
        day_of_offset=_day_of_offset(stamp),
    )


def _day_of_offset(stamp: str) -> str:
    """SQL: the UTC day of a text with an offset: ``+HH:MM``, ``+HHMM`` or ``+HH``; NULL when it is no instant."""
    offset = f"substr({stamp}, -form.size)"
    minutes = f"CASE form.size WHEN 3 THEN '00' ELSE substr({stamp}, -2) END"
    opposite = (
        f"CASE substr({offset}, 1, 1) WHEN '-' THEN '+' ELSE '-' END || substr({offset}, 2, 2) || ':' || {minutes}"
    )
    seconds = f"substr({stamp}, 17, length({stamp}) - 16 - form.size)"
    conditions = (
        f"{offset} GLOB form.pattern",
        f"substr({offset}, 2, 2) <= '23'",
        f"date(substr({stamp}, 1, 10)) = substr({stamp}, 1, 10)",
        f"substr({stamp}, 11, 6) GLOB '[T ][0-2][0-9]:[0-5][0-9]'",
        f"substr({stamp}, 12, 2) <= '23'",
        f"({seconds} = '' OR {seconds} GLOB ':[0-5][0-9]' OR ({seconds} GLOB ':[0-5][0-9][.,]?*' "
        f"AND substr({seconds}, 5) NOT GLOB '*[^0-9]*'))",
    )
    forms = (
        "SELECT 6 AS size, '[+-][0-2][0-9]:[0-5][0-9]' AS pattern UNION ALL SELECT 5, '[+-][0-2][0-9][0-5][0-9]' "
        "UNION ALL SELECT 3, '[+-][0-2][0-9]'"
    )
    return f"(SELECT date(substr({stamp}, 1, 16), {opposite}) FROM ({forms}) AS form WHERE {' AND '.join(conditions)})"


@dataclass(frozen=True)
class _Queries:
    """The queries of one filter: for the number of all rows, for those without a long value, and for those with one."""

    count: str
    ordinary: str
    long: str


def _count(table: str, where: str) -> str:
    return f"SELECT count(*) FROM {quoted(table)} AS t WHERE {where}"


def _select(table: str, columns: TableColumns, where: str, limit: int | None = None) -> str:
    """The query for the rows without a long value; with a limit for the others, without values that are beyond it.

    Its first row sets the column types, which ADBC takes from the first batch.
    """
    fields = ", ".join(f"{_expression(name, columns, limit)} AS {quoted(name)}" for name in CSV_COLUMNS)
    extras = "".join(f", {_extra_expression(column, limit)}" for column in columns.extras)
    type_row = ", ".join("0.5" if name in NUMBER_COLUMNS else "x''" for name in CSV_COLUMNS)
    type_row += ", x''" * (1 + len(columns.extras))
    return (
        f"SELECT {type_row} UNION ALL SELECT * FROM (SELECT {fields}, {_unreadable_values(columns, limit)}{extras} "
        f"FROM {_relation(table, columns, CSV_COLUMNS, limit)} WHERE {where})"
    )


def _select_identities(table: str, columns: TableColumns, where: str, limit: int | None = None) -> str:
    fields = ", ".join(f"{_expression(name, columns, limit)} AS {quoted(name)}" for name in IDENTITY_COLUMNS)
    type_row = ", ".join("x''" for _ in IDENTITY_COLUMNS)
    relation = _relation(table, columns, IDENTITY_COLUMNS, limit)
    return f"SELECT {type_row} UNION ALL SELECT * FROM (SELECT {fields} FROM {relation} WHERE {where})"


def _relation(table: str, columns: TableColumns, names: Sequence[str], limit: int | None) -> str:
    present = [name for name in names if name in columns.columns]
    conditions = [_is_longer(name, columns, _LONG_BYTES) for name in present]
    if names == CSV_COLUMNS:
        conditions += [f"octet_length({quoted(name)}) > {_LONG_BYTES}" for name in columns.extra_names]
    is_long = " OR ".join(conditions)
    return f"(SELECT * FROM {quoted(table)} AS t WHERE ({is_long}) IS {'NOT TRUE' if limit is None else 'TRUE'}) AS t"


def _is_longer(name: str, columns: TableColumns, limit: int) -> str:
    column = quoted(columns.columns[name])
    is_longer = f"octet_length({column}) > {limit}"
    # Any text is more than any number, whose length would take long to find.
    return f"({column} >= '' AND {is_longer})" if name in NUMBER_COLUMNS else is_longer


def _expression(name: str, columns: TableColumns, limit: int | None) -> str:
    column = columns.columns.get(name)
    if column is None:
        return "NULL"
    column = value = quoted(column)
    if name in NUMBER_COLUMNS:
        return f"CASE typeof({column}) WHEN 'real' THEN {column} WHEN 'integer' THEN CAST({column} AS REAL) END"
    if name == TIMESTAMP:
        # No read of a day finds a time that is not text, so nothing may take its text for the time of a day.
        value = f"CASE WHEN typeof({column}) IN ('text', 'null') THEN {column} ELSE quote({column}) END"
    if limit is not None:
        # What is left of a timestamp shows its day.
        left = f"substr({column}, 1, {TIMESTAMP_CHARACTERS})" if name == TIMESTAMP else "NULL"
        value = f"CASE WHEN {_is_longer(name, columns, limit)} THEN {left} ELSE {value} END"
    return f"CAST({value} AS BLOB)"


def _extra_expression(column: ExtraColumn, limit: int | None) -> str:
    text = extra_text(column)
    if limit is not None:
        text = f"CASE WHEN octet_length({quoted(column.name)}) > {limit} THEN NULL ELSE {text} END"
    return f"CAST({text} AS BLOB)"


def _unreadable_values(columns: TableColumns, limit: int | None) -> str:
    """SQL: JSON of the values of number columns that are not doubles, and of values beyond a limit; else NULL."""
    cases: dict[str, list[tuple[str, str]]] = {}
    for name in CSV_COLUMNS:
        if name in columns.columns:
            column = quoted(columns.columns[name])
            cases[name] = [] if limit is None else [(_is_longer(name, columns, limit), _beginning(column))]
            if name in NUMBER_COLUMNS:
                is_unreadable = (
                    f"(typeof({column}) <> 'real' AND (typeof({column}) IN ('text', 'blob') "
                    f"OR {column} NOT BETWEEN -{EXACT_INTEGER} AND {EXACT_INTEGER}))"
                )
                cases[name].append((is_unreadable, f"quote({column})"))
    if limit is not None and columns.extras:
        cases[CUT_EXTRAS] = [
            cut_extras(columns.extra_names, lambda column: f"octet_length({column}) > {limit}", _beginning)
        ]
    any_case = " OR ".join(condition for of_field in cases.values() for condition, _ in of_field)
    pairs = ", ".join(
        f"'{name}', CASE {' '.join(f'WHEN {condition} THEN {value}' for condition, value in of_field)} END"
        for name, of_field in cases.items()
        if of_field
    )
    return f"CAST(CASE WHEN {any_case} THEN json_object({pairs}) END AS BLOB)"


def _beginning(column: str) -> str:
    """SQL: what the quarantine keeps of a value that it does not keep whole: an SQL literal, and the length."""
    return (
        f"'X''' || hex(substr({column}, 1, 100)) || '''… (' || octet_length({column}) || "
        f"' bytes long; only this beginning is kept, because {MAX_KEPT_BYTES:,} are kept at most)'"
    )


def _batches(connection: dbapi.Connection, queries: _Queries) -> Iterator[pa.RecordBatch]:
    """The rows in batches of bounded size; those with a long value are last, and there seldom are any."""
    read = 0
    for batch in regrouped(_driver_batches(connection, queries.ordinary, _DRIVER_ROWS), BATCH_ROWS):
        read += batch.num_rows
        yield batch
    ((count,),) = fetch_all(connection, queries.count)
    if count != read:
        yield from _driver_batches(connection, queries.long, 1)


def _driver_batches(connection: dbapi.Connection, query: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Run a query whose first row only sets the column types, and skip that row."""
    with closing(connection.cursor()) as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(min(rows, BATCH_ROWS))})
        cursor.execute(query)
        with closing(cursor.fetch_record_batch()) as reader:
            skip = 1
            for batch in read_stream(reader):
                found = batch.slice(skip)
                skip = 0
                if found.num_rows:
                    yield found


def _decoded(batch: pa.RecordBatch, names: Sequence[str]) -> list[pa.Array]:
    """Convert bytes to text; without a copy if all values are UTF-8, as they are unless a producer is faulty."""
    try:
        return [array.cast(pa.string()) if pa.types.is_binary(array.type) else array for array in batch.columns]
    except pa.ArrowInvalid:
        return _decoded_row_by_row(batch, names)


def _of_extract(name: str, values: pa.Array) -> pa.Array:
    """A column without the values that are too long only as backslash escapes, as the extract has it."""
    if name == TIMESTAMP:
        return values
    return pc.if_else(pc.greater(pc.binary_length(values), MAX_VALUE_BYTES), None, values)


def _decoded_row_by_row(batch: pa.RecordBatch, names: Sequence[str]) -> list[pa.Array]:
    """Write bytes that are not UTF-8 as backslash escapes, and note them in ``unreadable_values``."""
    texts = [name for name in names if name != UNREADABLE_VALUES and name not in NUMBER_COLUMNS]
    rows: list[dict[str, object]] = []
    for values in zip(*(array.to_pylist() for array in batch.columns), strict=True):
        row = dict(zip(names, values, strict=True))
        unreadable = json.loads(row.get(UNREADABLE_VALUES) or "{}")
        for name in texts:
            raw = row.get(name)
            if isinstance(raw, bytes):
                row[name] = raw.decode("utf-8", "backslashreplace")
                if row[name].encode("utf-8") != raw:
                    unreadable[name] = f"X'{raw.hex().upper()}'"
        row[UNREADABLE_VALUES] = json.dumps(unreadable) if unreadable else None
        rows.append(row)
    kinds = {name: pa.float64() for name in NUMBER_COLUMNS}
    return [pa.array([row[name] for row in rows], kinds.get(name, pa.string())) for name in names]
