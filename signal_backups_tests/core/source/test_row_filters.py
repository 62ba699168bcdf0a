"""The day of a row that SQL finds in a database is the one that the backup finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta

import psycopg
import pyarrow as pa
import pytest

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.fields import TIMESTAMP
from signal_backups.core.signals.timestamps import rows_of_day
from signal_backups.core.source import postgres, sqlite
from signal_backups.core.source.base import TableColumns
from signal_backups.core.source.row_filters import RowFilters

DAY = date(2026, 11, 1)
DATES = [str(DAY + timedelta(days=number)) for number in range(-2, 3)]
TIMES = ["00:00", "00:30:00", "12:00:00.5", "12:00:00,123456789", "23:30", "23:59:59.999999"]
OFFSETS = ["", "Z", "+00:00", "-00:00", "+0000", "+00", "-01:00", "+0130", "-05", "+14:00", "-15:45", "+23:59", "-2359"]
ODD = ["T24:00+01:00", "T10:00+24:00", "T10:00:60-05:00", "T10-05:00", " morning +05", "", "T10:00:00 -05:00", "-05:00",
       "T23:30:00.-05:00", "T23:30:00x-05:00"]  # fmt: skip
TEXTS = [
    *(f"{day}{mark}{time}{offset}" for day in DATES for mark in "T " for time in TIMES for offset in OFFSETS),
    *(f"{day}{odd}" for day in DATES for odd in ODD),
    *("2026-11-31T10:00-05:00", "2026-10-32T23:00-05:00", "not a day", "", "26-11-01T00:00+01:00"),
]
COLUMNS = TableColumns({TIMESTAMP: TIMESTAMP})

Found = Callable[[str], set[str]]


def expected(day: date) -> set[str]:
    batch = pa.record_batch({TIMESTAMP: TEXTS})
    with closing(duckdb_engine.cursor()) as cursor:
        return set(rows_of_day(cursor, batch, day).column(TIMESTAMP).to_pylist())


def in_sqlite() -> tuple[RowFilters, Found]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE signals (timestamp TEXT)")
    connection.executemany("INSERT INTO signals VALUES (?)", [(text,) for text in TEXTS])
    connection.execute("INSERT INTO signals VALUES (NULL), (20261101), (x'323032362d31312d3031')")
    return sqlite.row_filters(COLUMNS), lambda query: {text for (text,) in connection.execute(query)}


def in_postgres(url: str) -> tuple[RowFilters, Found]:
    def found(query: str) -> set[str]:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TEMP TABLE signals (timestamp text)")
            connection.cursor().executemany("INSERT INTO signals VALUES (%s)", [(text,) for text in [*TEXTS, None]])
            return {text for (text,) in connection.execute(query.encode())}

    return postgres.row_filters(postgres._Table(COLUMNS, {TIMESTAMP: "text"})), found


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_sql_finds_the_rows_of_a_day_exactly(request: pytest.FixtureRequest, engine: str) -> None:
    filters, found = in_sqlite() if engine == "sqlite" else in_postgres(request.getfixturevalue("postgres_database"))
    assert len(expected(DAY)) > 100
    assert found(f"SELECT timestamp FROM signals AS t WHERE {filters.exactly_of_day(DAY)}") == expected(DAY)
    by_day = found(f"SELECT timestamp FROM signals AS t WHERE {filters.utc_day} = '{DAY}'")
    assert by_day == expected(DAY)
