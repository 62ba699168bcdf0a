"""Parsing timestamps in bulk: which UTC day a row belongs to.

Accepted: ISO 8601 calendar date, ``T`` or a space, hours and minutes, optional seconds and fraction (any length, read
to the microsecond), and ``Z``, an offset, or nothing (UTC). Anything else is not an instant: the row goes to quarantine
with the day that its text begins with. A row whose text begins with no day is undated, and so is one of a day that is
no partition.
"""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.base.days import ONE_DAY, start_of
from signal_backups.core.signals.fields import TIMESTAMP

#: Microseconds since 1970-01-01 UTC; null when the timestamp is not an instant.
INSTANT = "instant_us"

_DATE = r"\d{4}-\d{2}-\d{2}"
_INSTANT = _DATE + r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?" + r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)?"
#: SQL: the calendar date that the text begins with, or NULL.
_NAMED_DAY = f"TRY_CAST(CASE WHEN regexp_matches({TIMESTAMP}, '^{_DATE}') THEN left({TIMESTAMP}, 10) END AS DATE)"


def instant_sql() -> str:
    """SQL: the row's instant in microseconds since 1970-01-01 UTC, or NULL."""
    instant = f"epoch_us(TRY_CAST(replace({TIMESTAMP}, ',', '.') AS TIMESTAMPTZ))"
    return f"CASE WHEN regexp_full_match({TIMESTAMP}, '{_INSTANT}') THEN {instant} END"


def names_a_day_sql() -> str:
    """SQL condition on the timestamp text: it begins with a calendar date."""
    return f"({_NAMED_DAY} IS NOT NULL)"


def is_before_sql(day: date) -> str:
    """SQL condition on ``INSTANT`` and the timestamp text: the row belongs to an earlier day."""
    return f"coalesce({INSTANT} < {_microseconds(day)}, {_NAMED_DAY} < DATE '{day}', false)"


def belongs_sql(first: date, last: date) -> str:
    """SQL condition on ``INSTANT`` and the timestamp text: the row belongs to a day from ``first`` to ``last``."""
    begin, end = _microseconds(first), _microseconds(last + ONE_DAY)
    return (
        f"CASE WHEN {INSTANT} IS NOT NULL THEN {INSTANT} >= {begin} AND {INSTANT} < {end} "
        f"ELSE coalesce({_NAMED_DAY} BETWEEN DATE '{first}' AND DATE '{last}', false) END"
    )


def rows_of_day(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, day: date) -> pa.RecordBatch:
    """Filter a batch of a source to the rows of a day, and add their instants."""
    return _filtered(cursor, batch, belongs_sql(day, day))


def undated_rows(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, first: date, last: date) -> pa.RecordBatch:
    """Filter a batch of a source to the rows of no day from ``first`` to ``last``, and add their instants."""
    return _filtered(cursor, batch, f"NOT {belongs_sql(first, last)}")


def _microseconds(day: date) -> int:
    return int(start_of(day).timestamp()) * 1_000_000


def _filtered(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, condition: str) -> pa.RecordBatch:
    # Only the timestamps are copied to DuckDB, for speed.
    cursor.register("timestamps", pa.table({TIMESTAMP: batch.column(TIMESTAMP)}))
    parsed = cursor.sql(
        f"SELECT {INSTANT}, {condition} AS is_wanted "
        f"FROM (SELECT {TIMESTAMP}, {instant_sql()} AS {INSTANT} FROM timestamps)"
    ).to_arrow_table()
    cursor.unregister("timestamps")
    schema = batch.schema.append(pa.field(INSTANT, pa.int64()))
    rows = pa.record_batch([*batch.columns, parsed.column(INSTANT).combine_chunks()], schema=schema)
    is_wanted = parsed.column("is_wanted").combine_chunks()
    return rows if pc.all(is_wanted).as_py() else rows.filter(is_wanted)
