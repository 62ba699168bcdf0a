"""Parsing timestamps in bulk: which UTC day a row belongs to.

Accepted: ISO 8601 calendar date, ``T`` or a space, hours and minutes, optional seconds and fraction (any length, read
to the microsecond), and ``Z``, an offset, or nothing (UTC). Anything else is not an instant: the row goes to quarantine
with the day that its text begins with, or with every day when it begins with none.
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


def instant_sql() -> str:
    """SQL: the row's instant in microseconds since 1970-01-01 UTC, or NULL."""
    instant = f"epoch_us(TRY_CAST(replace({TIMESTAMP}, ',', '.') AS TIMESTAMPTZ))"
    return f"CASE WHEN regexp_full_match({TIMESTAMP}, '{_INSTANT}') THEN {instant} END"


def belongs_sql(day: date) -> str:
    """SQL condition on ``INSTANT`` and the timestamp text: the row belongs to ``day``."""
    first, end = (int(start_of(bound).timestamp()) * 1_000_000 for bound in (day, day + ONE_DAY))
    named_day = f"TRY_CAST(CASE WHEN regexp_matches({TIMESTAMP}, '^{_DATE}') THEN left({TIMESTAMP}, 10) END AS DATE)"
    return (
        f"CASE WHEN {INSTANT} IS NOT NULL THEN {INSTANT} >= {first} AND {INSTANT} < {end} "
        f"ELSE coalesce({named_day} = DATE '{day}', true) END"
    )


def rows_of_day(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, day: date) -> pa.RecordBatch:
    """Filter a batch of a source to the rows of a day, and add their instants."""
    # Only the timestamps are copied to DuckDB, for speed.
    timestamps = pa.table({TIMESTAMP: batch.column(TIMESTAMP)})
    cursor.register("timestamps", timestamps)
    parsed = cursor.sql(
        f"SELECT {INSTANT}, {belongs_sql(day)} AS belongs "
        f"FROM (SELECT {TIMESTAMP}, {instant_sql()} AS {INSTANT} FROM timestamps)"
    ).to_arrow_table()
    cursor.unregister("timestamps")
    schema = batch.schema.append(pa.field(INSTANT, pa.int64()))
    rows = pa.record_batch([*batch.columns, parsed.column(INSTANT).combine_chunks()], schema=schema)
    return rows if pc.all(parsed.column("belongs")).as_py() else rows.filter(parsed.column("belongs").combine_chunks())
