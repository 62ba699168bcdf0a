"""Checks of the signals database: can it be read, has it the required columns, is the timestamp indexed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import adbc_driver_sqlite.dbapi as sqlite
from adbc_driver_manager import dbapi

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import SourceError
from signal_backups.core.doctor.finding import DoctorResult, ok, warning
from signal_backups.core.signals.extra_columns import ExtraChoice
from signal_backups.core.signals.fields import TIMESTAMP
from signal_backups.core.source import open_source
from signal_backups.core.source.adbc import execute
from signal_backups.core.source.base import EXTRA_COLUMNS_REMEDY, TableColumns, quoted
from signal_backups.core.source.database_url import database_address
from signal_backups.core.source.postgres import with_connect_timeout


class SignalsTable:
    """The table of signals named in the settings.

    Args:
        url: of the database; may contain a password, never show it.
        name: of the table, with or without its schema.
        day: the day (UTC) whose query plan is examined.
        extras: which columns are kept that are no field.
    """

    def __init__(self, url: str, name: str, day: date, extras: ExtraChoice) -> None:
        self._address = database_address(url)
        self._source = open_source(url, name, extras)
        self._name = name
        self._day = day

    def can_be_read(self) -> DoctorResult:
        """Check that the database answers, and that the table exists and may be read."""
        try:
            columns = self._column_names()
        except dbapi.Error as error:
            self._source.describe()  # raises a clearer error when the database or the table does not exist
            raise SourceError(
                f"cannot read table {self._name!r}: {str(error).partition(chr(10))[0]}",
                remedy=f"Allow the user of SIGNALS_DATABASE_URL to read it: GRANT SELECT ON {self._relation} TO ...",
            ) from error
        return ok(f"table {self._name!r} can be read, {len(columns)} columns")

    def has_columns(self) -> DoctorResult:
        """Check that all required columns exist, with types and an encoding that can be backed up."""
        description = self._source.describe()
        optional = ", ".join(description.optional_columns) or "none"
        return ok(
            f"all in {description.location} ({description.engine}), hash in {description.hash_column}, "
            f"optional ones: {optional}"
        )

    def leaves_no_column_out(self) -> DoctorResult:
        """Check that every column of the table is backed up, and that those to be kept are there."""
        description = self._source.describe()
        words = description.about_columns
        return ok(words) if description.has_no_surprise else warning(words, EXTRA_COLUMNS_REMEDY)

    def has_index(self) -> DoctorResult:
        """Check that an index finds a day's rows in order, without a full table scan."""
        plan = self._plan()
        steps = " > ".join(line.strip().removeprefix("->").strip() for line in plan)
        if self._is_indexed(plan):
            return ok(steps)
        column = self._timestamp_column()
        # SQLite requires a name for an index.
        name = quoted(f"{self._name.replace('.', '_')}_by_{column}")
        return warning(
            f"no index on {column}: every backup reads the whole table ({steps})",
            f"CREATE INDEX {name} ON {self._relation} ({quoted(column)})",
        )

    def _is_indexed(self, plan: list[str]) -> bool:
        if isinstance(self._address, Path):
            return plan[0].startswith("SEARCH") and len(plan) == 1
        text = "\n".join(plan)
        return "Index Cond" in text and "Sort" not in text

    def _plan(self) -> list[str]:
        """Return the engine's query plan for one day, one line per step."""
        low, high = self._day, self._day + ONE_DAY
        stamp = f"t.{quoted(self._timestamp_column())}"
        query = f"SELECT * FROM {self._relation} AS t WHERE {stamp} >= '{low}' AND {stamp} < '{high}' ORDER BY {stamp}"
        with self._connected() as connection:
            if isinstance(self._address, Path):
                return [str(row[-1]) for row in _rows(connection, f"EXPLAIN QUERY PLAN {query}")]
            # PostgreSQL scans a small table although it has an index, and would have to sort after a bitmap scan.
            execute(connection, "SET LOCAL enable_seqscan = off")
            execute(connection, "SET LOCAL enable_bitmapscan = off")
            explained = _rows(connection, f"EXPLAIN (COSTS OFF) {query}", {"adbc.postgresql.use_copy": "false"})
            return [str(line) for (line,) in explained]

    def _timestamp_column(self) -> str:
        return TableColumns.match(self._name, self._column_names()).columns[TIMESTAMP]

    def _column_names(self) -> list[str]:
        with self._connected() as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {self._relation} LIMIT 1")
            cursor.fetchall()
            return [str(column[0]) for column in cursor.description]

    @property
    def _relation(self) -> str:
        if isinstance(self._address, Path):
            return quoted(self._name)
        return ".".join(quoted(part) for part in self._name.split("."))

    @contextmanager
    def _connected(self) -> Iterator[dbapi.Connection]:
        if isinstance(self._address, Path):
            opened = sqlite.connect(f"{self._address.absolute().as_uri()}?mode=ro", autocommit=False)
        else:
            opened = postgres.connect(with_connect_timeout(self._address), autocommit=False)
        with closing(opened) as connection:
            yield connection


def _rows(connection: dbapi.Connection, query: str, options: dict[str, str] | None = None) -> list[tuple[object, ...]]:
    with closing(connection.cursor()) as cursor:
        cursor.adbc_statement.set_options(**(options or {}))
        cursor.execute(query)
        return list(cursor.fetchall())
