"""Databases to restore into, read without the code under test: an SQLite file and a PostgreSQL database."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from signal_backups.core.restore.targets.contract import DayToImport, Imported, OnConflict
from signal_backups.core.restore.targets.database import DatabaseTarget
from signal_backups.core.restore.targets.open_target import open_target
from signal_backups.core.source import open_source
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, Row
from signal_backups_tests.samples.tables import OPTIONAL_POSTGRES_TYPES, OPTIONAL_TYPES, POSTGRES_TYPES, SQLITE_TYPES

FULL_SQLITE = SQLITE_TYPES | OPTIONAL_TYPES
FULL_POSTGRES = POSTGRES_TYPES | OPTIONAL_POSTGRES_TYPES

Held = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """One database."""

    engine: str
    url: str

    @property
    def types(self) -> dict[str, str]:
        """The column types of a table of signals with all optional columns."""
        return FULL_POSTGRES if self.engine == "postgres" else FULL_SQLITE

    def target(self, table: str = "signals") -> DatabaseTarget:
        """Return a table as a restore target."""
        target = open_target(self.url, table)
        assert isinstance(target, DatabaseTarget)
        return target

    def restore(self, run: DayRun, on_conflict: OnConflict = OnConflict.ERROR, table: str = "signals") -> Imported:
        """Import a day into a table."""
        return self.target(table).import_day(importing(run, on_conflict=on_conflict))

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements and return the rows of the last."""
        rows: list[tuple[Any, ...]] = []
        if self.engine == "postgres":
            with psycopg.connect(self.url) as connection:
                for statement in statements:
                    cursor = connection.execute(statement.encode())
                    rows = cursor.fetchall() if cursor.description else []
            return rows
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file, file:
            for statement in statements:
                rows = file.execute(statement).fetchall()
        return rows

    def make_table(self, types: Mapping[str, str], name: str = "signals") -> None:
        """Create a table with some columns."""
        self.run(f"CREATE TABLE {name} ({', '.join(f'{quote(column)} {kind}' for column, kind in types.items())})")

    def tables(self) -> set[str]:
        """Return the names of all tables."""
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if self.engine == "postgres":
            query = "SELECT tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        return {name for (name,) in self.run(query)}

    def rows(self, day: date = DAY, table: str = "signals") -> list[Held]:
        """Return the rows of a day as a backup would read them, ordered by id."""
        return held(self.url, day, table)

    def ids(self) -> list[str]:
        """Return the ids of all signals, sorted."""
        return sorted(name for (name,) in self.run("SELECT signal_id FROM signals"))


def held(url: str, day: date = DAY, table: str = "signals") -> list[Held]:
    """Return the rows of a day in a database, ordered by id."""
    with open_source(url, table).read_day(day) as snapshot:
        rows = [row for batch in snapshot.batches for row in batch.to_pylist()]
    assert all(row.pop("unreadable_values") is None and row.pop("extra_values") is None for row in rows)
    return sorted(rows, key=lambda row: str(row["signal_id"]))


def as_held(rows: Sequence[Row]) -> list[Held]:
    """Return test rows as a source returns them."""
    optional = dict.fromkeys(("generation_latency_ms", "server_timestamp"))
    return sorted(({**optional, **row} for row in rows), key=lambda row: str(row["signal_id"]))


def importing(run: DayRun, **changes: Any) -> DayToImport:
    """Return a prepared day to import."""
    known = {"csv": run.folder.backup_csv, "records": run.report.records, "hash_column": "sha256"}
    return DayToImport(day=run.folder.day, **{**known, **changes})


def quote(column: str) -> str:
    """Return a column's quoted name."""
    return f'"{column}"'
