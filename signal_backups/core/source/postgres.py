"""Reading signals from PostgreSQL: one repeatable-read, read-only transaction per day, streamed by binary COPY.

The query converts columns of any type to the text or double of the contract: timestamps as ``datetime.isoformat``
writes them. A number that a double cannot hold with all its digits is put into ``unreadable_values``. A domain is read
as its base type.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SourceError
from signal_backups.core.signals.extra_columns import NO_EXTRAS, ExtraChoice, split_columns
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    MAX_KEPT_BYTES,
    MAX_VALUE_BYTES,
    NUMBER_COLUMNS,
    TIMESTAMP,
    TIMESTAMP_CHARACTERS,
    UNREADABLE_VALUES,
)
from signal_backups.core.source.adbc import execute, fetch_all, read_stream
from signal_backups.core.source.base import (
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
from signal_backups.core.source.row_filters import RowFilters, TextFilters, TimestampFilters

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 10_000
#: What the text of times and doubles depends on: UTC, and all digits that a double has.
SESSION_SETTINGS = ("SET LOCAL TIME ZONE 'UTC'", "SET LOCAL extra_float_digits = 1")
#: What the text of values of other types depends on besides.
EXTRA_SESSION_SETTINGS = (
    "SELECT set_config('DateStyle', 'ISO, YMD', true), set_config('IntervalStyle', 'postgres', true), "
    "set_config('bytea_output', 'hex', true)"
)

_NUMBER_TYPES = {"float4", "float8", "numeric", "int2", "int4", "int8"}
_TIMESTAMP_TYPES = {"timestamp", "timestamptz"}
_TEXT_TYPES = {"text", "varchar", "bpchar", "citext"}
#: The range in which PostgreSQL converts a numeric to a double without an error.
_SMALLEST_DOUBLE, _LARGEST_DOUBLE = "5e-324", "1.7976931348623157e308"
#: Text that begins with a valid date; must be exact, because a row with any other beginning belongs to no day.
_BEGINS_WITH_A_DATE = (
    r"^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)
_TIME = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?"
_OFFSET = r"[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?"
#: SQLSTATE classes of transient errors: connection, resources, operator intervention, lock not available, rollback.
_TRANSIENT_CLASSES = ("08", "53", "57", "55P03", "40")


@dataclass(frozen=True)
class _Table:
    fields: TableColumns
    types: dict[str, str]

    def type_of(self, field: str) -> str:
        return self.types[self.fields.columns[field]]


_Conditions = Callable[[RowFilters], Sequence[str]]
_Read = Callable[[dbapi.Connection, _Table, str], Iterator[pa.RecordBatch]]


class PostgresSource:
    """A signals table in a PostgreSQL database."""

    def __init__(self, url: str, table: str, extras: ExtraChoice = NO_EXTRAS) -> None:
        self._url = with_connect_timeout(url)
        self._table = table
        self._extras = extras
        parts = urlsplit(url)
        self._location = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    def describe(self) -> SourceDescription:
        """See ``SignalSource.describe``."""
        with self._transaction() as connection:
            table = self._inspect(connection)
            declared = self._declared_types(connection)
        columns = table.fields
        kept, unknown = split_columns(columns.others(declared), self._extras)
        return SourceDescription(
            engine="postgresql",
            location=self._location,
            table=self._table,
            hash_column=columns.hash_column,
            optional_columns=columns.optional_present,
            extra_columns=kept,
            unknown_columns=unknown,
            absent_columns=self._extras.absent_from(list(declared)),
            is_settled=self._extras.is_settled,
        )

    def in_transaction(self, connection: dbapi.Connection) -> SignalTable:
        """See ``SignalTable``.

        Raises:
            SourceError: the table is not a signals table.
        """
        table = self._with_extras(connection, self._inspect(connection))
        types = table.types | {column.name: column.type for column in table.fields.extras}
        return SignalTable(table.fields, partial(self._rows, connection, table), row_filters(table), types)

    @contextmanager
    def read_day(self, day: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_day``."""
        with self._snapshot(lambda filters: filters.of_day(day), self._rows) as snapshot:
            yield snapshot

    @contextmanager
    def read_undated(self, first: date, last: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_undated``."""
        with self._snapshot(lambda filters: filters.of_no_day(first, last), self._rows) as snapshot:
            yield snapshot

    @contextmanager
    def read_identities(self, day: date) -> Iterator[DaySnapshot]:
        """See ``SignalSource.read_identities``."""
        with self._snapshot(lambda filters: filters.of_day(day), self._identities) as snapshot:
            yield snapshot

    @contextmanager
    def _snapshot(self, conditions: _Conditions, read: _Read) -> Iterator[DaySnapshot]:
        with self._transaction() as connection:
            table = self._with_extras(connection, self._inspect(connection))
            (snapshot,) = fetch_all(connection, "SELECT pg_current_snapshot()::text")[0]
            wanted = conditions(row_filters(table))
            batches = (batch for where in wanted for batch in read(connection, table, where))
            with closing(batches):
                yield DaySnapshot(batches, f"pg_snapshot={snapshot}", table.fields.extra_names)

    @contextmanager
    def _transaction(self) -> Iterator[dbapi.Connection]:
        try:
            with closing(adbc.connect(self._url, autocommit=False)) as connection:
                execute(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                execute(connection, f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
                for setting in SESSION_SETTINGS:
                    execute(connection, setting)
                yield connection
        except dbapi.Error as error:
            raise self._unreadable(error) from error

    def _inspect(self, connection: dbapi.Connection) -> _Table:
        name = ".".join(quoted(part) for part in self._table.split("."))
        rows = fetch_all(
            connection,
            "WITH RECURSIVE column_type AS (SELECT a.attnum, a.attname, t.typname, t.typbasetype "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            f"WHERE a.attrelid = to_regclass({_literal(name)}) AND a.attnum > 0 AND NOT a.attisdropped "
            "UNION ALL SELECT c.attnum, c.attname, t.typname, t.typbasetype "
            "FROM column_type c JOIN pg_type t ON t.oid = c.typbasetype) "
            "SELECT attname::text, typname::text FROM column_type WHERE typbasetype = 0 ORDER BY attnum",
        )
        if not rows:
            raise SourceError(
                f"no table {self._table!r} in PostgreSQL database {self._location}",
                remedy="Check SIGNALS_TABLE (schema.table for one outside the search path); nothing was backed up",
            )
        types = {str(column): str(kind) for column, kind in rows}
        table = _Table(TableColumns.match(self._table, list(types)), types)
        self._require_types(table)
        return table

    def _with_extras(self, connection: dbapi.Connection, table: _Table) -> _Table:
        """The table with the extra columns that are kept; asks for their types only when some may be."""
        if not (self._extras.keeps_all or self._extras.names):
            return table
        fetch_all(connection, EXTRA_SESSION_SETTINGS)
        kept, _ = split_columns(table.fields.others(self._declared_types(connection)), self._extras)
        return replace(table, fields=replace(table.fields, extras=kept))

    def _declared_types(self, connection: dbapi.Connection) -> dict[str, str]:
        """Name -> declared type of each column, without generated ones, which PostgreSQL computes again."""
        name = ".".join(quoted(part) for part in self._table.split("."))
        rows = fetch_all(
            connection,
            "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
            f"WHERE a.attrelid = to_regclass({_literal(name)}) AND a.attnum > 0 AND NOT a.attisdropped "
            "AND a.attgenerated = '' ORDER BY a.attnum",
        )
        return {str(column): str(declared) for column, declared in rows}

    def _require_types(self, table: _Table) -> None:
        kind = table.type_of(TIMESTAMP)
        if kind not in _TIMESTAMP_TYPES | _TEXT_TYPES:
            raise SourceError(
                f"column {TIMESTAMP} of table {self._table!r} is {kind}, not text or a timestamp",
                remedy="Back up a view that has the time of each signal there as text or timestamptz; nothing was "
                "backed up",
            )
        for field in NUMBER_COLUMNS:
            if field in table.fields.columns and table.type_of(field) not in _NUMBER_TYPES:
                raise SourceError(
                    f"column {field} of table {self._table!r} is {table.type_of(field)}, not a number",
                    remedy="Backups need double precision or numeric there; nothing was backed up",
                )

    def _rows(self, connection: dbapi.Connection, table: _Table, where: str) -> Generator[pa.RecordBatch]:
        for columns in _batches(connection, _select(self._table, table, where)):
            yield with_extra_values(columns, SOURCE_SCHEMA)

    def _identities(self, connection: dbapi.Connection, table: _Table, where: str) -> Generator[pa.RecordBatch]:
        for columns in _batches(connection, _select_identities(self._table, table, where)):
            yield pa.record_batch(columns, schema=IDENTITY_SCHEMA)

    def _unreadable(self, error: dbapi.Error) -> SourceError:
        first_line = str(error).splitlines()[0]
        return SourceError(
            f"cannot read PostgreSQL database {self._location}: {first_line}",
            remedy="Check that the server is up and SIGNALS_DATABASE_URL is right; nothing was backed up",
            transient=is_transient(error),
        )


def row_filters(table: _Table) -> RowFilters:
    """The conditions that select rows by their timestamps."""
    stamp = f"t.{quoted(table.fields.columns[TIMESTAMP])}"
    if table.type_of(TIMESTAMP) in _TIMESTAMP_TYPES:
        return TimestampFilters(stamp)
    return TextFilters(
        stamp,
        has_offset=f"substr({stamp}, 17) ~ '[+-]' AND right({stamp}, 6) <> '+00:00'",
        names_no_day=f"{stamp} !~ {_literal(_BEGINS_WITH_A_DATE)}",
        day_of_offset=_day_of_offset(stamp),
    )


def _day_of_offset(stamp: str) -> str:
    """SQL: the UTC day of a text with an offset: ``+HH:MM``, ``+HHMM`` or ``+HH``; NULL when it is no instant."""
    instant = _BEGINS_WITH_A_DATE + _TIME + _OFFSET + "$"
    hours = f"substring({stamp} FROM '([+-]..):?(?:..)?$')"
    minutes = f"coalesce(substring({stamp} FROM '[+-]..:?(..)$'), '00')"
    local = f"substr({stamp}, 1, 10)::date + substr({stamp}, 12, 5)::time"
    utc = f"{local} - ({hours} || ':' || {minutes})::interval"
    return f"CASE WHEN {stamp} ~ {_literal(instant)} THEN to_char({utc}, 'YYYY-MM-DD') END"


def _select(name: str, table: _Table, where: str) -> str:
    fields = _fields(table, CSV_COLUMNS, MAX_KEPT_BYTES)
    extras = "".join(
        f", CASE WHEN {_is_longer(column, MAX_KEPT_BYTES)} THEN NULL ELSE {column}::text END AS extra_{number}"
        for number, column in enumerate(map(quoted, table.fields.extra_names))
    )
    unreadable = f"{_unreadable_values(table)} AS {UNREADABLE_VALUES}"
    return f"SELECT {fields}, {unreadable}{extras} FROM {_relation(name)} WHERE {where}"


def _select_identities(name: str, table: _Table, where: str) -> str:
    # The extract has no longer id either, so that both have the same fingerprint.
    return f"SELECT {_fields(table, IDENTITY_COLUMNS, MAX_VALUE_BYTES)} FROM {_relation(name)} WHERE {where}"


def _fields(table: _Table, names: Sequence[str], limit: int) -> str:
    """SQL: the fields, without texts that are longer than a limit, in bytes."""
    return ", ".join(f"{_expression(field, table, limit)} AS {quoted(field)}" for field in names)


def _relation(name: str) -> str:
    return f"{'.'.join(quoted(part) for part in name.split('.'))} AS t"


def _batches(connection: dbapi.Connection, query: str) -> Iterator[list[pa.Array]]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(query)
        with closing(cursor.fetch_record_batch()) as reader:
            for batch in read_stream(reader):
                yield batch.columns


def _expression(name: str, table: _Table, limit: int) -> str:
    if name not in table.fields.columns:
        return "NULL::float8" if name in NUMBER_COLUMNS else "NULL::text"
    column = quoted(table.fields.columns[name])
    kind = table.type_of(name)
    if name in NUMBER_COLUMNS:
        is_exact = _is_exact(column, kind)
        return f"{column}::float8" if is_exact is None else f"CASE WHEN {is_exact} THEN {column}::float8 END"
    if kind in _TIMESTAMP_TYPES:
        return _isoformat(column, kind)
    # What is left of a timestamp shows its day.
    left = f"left({column}::text, {TIMESTAMP_CHARACTERS})" if name == TIMESTAMP else "NULL"
    return f"CASE WHEN {_is_longer(column, limit)} THEN {left} ELSE {column}::text END"


def _unreadable_values(table: _Table) -> str:
    """SQL: JSON of the values that the contract cannot hold or the quarantine not keep; NULL for nearly every row."""
    cases: dict[str, tuple[str, str]] = {}
    for name in CSV_COLUMNS:
        if name in table.fields.columns:
            column, kind = quoted(table.fields.columns[name]), table.type_of(name)
            is_exact = _is_exact(column, kind) if name in NUMBER_COLUMNS else None
            if is_exact is not None:
                cases[name] = (f"NOT ({is_exact})", f"{column}::text")
            elif name not in NUMBER_COLUMNS and kind not in _TIMESTAMP_TYPES:
                cases[name] = (_is_longer(column, MAX_KEPT_BYTES), _beginning(f"{column}::text"))
    if table.fields.extras:
        cases[CUT_EXTRAS] = cut_extras(
            table.fields.extra_names,
            lambda column: f"coalesce({_is_longer(column, MAX_KEPT_BYTES)}, false)",
            lambda column: _beginning(f"{column}::text"),
        )
    any_case = " OR ".join(condition for condition, _ in cases.values())
    pairs = ", ".join(f"'{name}', CASE WHEN {condition} THEN {value} END" for name, (condition, value) in cases.items())
    return f"CASE WHEN {any_case} THEN json_strip_nulls(json_build_object({pairs}))::text END"


def _is_longer(column: str, limit: int) -> str:
    return f"octet_length({column}::text) > {limit}"


def _beginning(text: str) -> str:
    """SQL: what the quarantine keeps of a text that it does not keep whole."""
    return (
        f"left({text}, 100) || '… (' || octet_length({text}) || ' bytes long; only this beginning is kept, because "
        f"{MAX_KEPT_BYTES:,} are kept at most; SHA-256 ' || encode(sha256(convert_to({text}, 'UTF8')), 'hex') || ')'"
    )


def _is_exact(column: str, kind: str) -> str | None:
    """SQL condition: a double holds the number of a column exactly, or the column is NULL; None: it always does.

    Exactly means that the shortest text of the nearest double is the same decimal, as it is for every price.
    """
    if kind == "int8":
        return f"coalesce({column} BETWEEN -{EXACT_INTEGER} AND {EXACT_INTEGER}, true)"
    if kind != "numeric":
        return None
    # At most 15 digits, as nearly every price has, are exact in any double; the other conditions cost more.
    is_short = f"{column} IS NULL OR (abs({column}) < 1e7 AND scale({column}) <= 8)"
    is_special = f"{column}::text IN ('NaN', 'Infinity', '-Infinity')"
    is_in_range = f"{column} = 0 OR abs({column}) BETWEEN {_SMALLEST_DOUBLE} AND {_LARGEST_DOUBLE}"
    # CASE, because PostgreSQL evaluates its conditions in order: beyond the range the conversion is an error.
    return (
        f"CASE WHEN {is_short} OR {is_special} THEN true "
        f"WHEN {is_in_range} THEN {column}::float8::text::numeric = {column} ELSE false END"
    )


def _isoformat(column: str, kind: str) -> str:
    """SQL: a timestamp as ``datetime.isoformat`` writes it, with a fraction of six digits unless it is zero.

    What ``datetime`` cannot hold is text as PostgreSQL writes it; of a year before Christ the era is first, so that
    the text does not begin with a date of our days.
    """
    offset = "+00:00" if kind == "timestamptz" else ""
    fraction = f"CASE WHEN date_trunc('second', {column}) <> {column} THEN to_char({column}, '.US') ELSE '' END"
    text = f"to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS') || {fraction} || '{offset}'"
    other = f"CASE WHEN {column}::text LIKE '% BC' THEN 'BC ' || left({column}::text, -3) ELSE {column}::text END"
    return f"CASE WHEN {column} >= '0001-01-01' AND {column} < '10000-01-01' THEN {text} ELSE {other} END"


def is_transient(error: dbapi.Error) -> bool:
    """Whether the same call may succeed later."""
    state = error.sqlstate or ""
    return not state or state.startswith(_TRANSIENT_CLASSES)


def with_connect_timeout(url: str) -> str:
    """Add a connect timeout, because libpq waits forever by default; the rest of the URL stays as libpq reads it."""
    query = urlsplit(url).query
    if "connect_timeout=" in query:
        return url
    return f"{url.removesuffix('?')}{'&' if query else '?'}connect_timeout={CONNECT_TIMEOUT_S}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
