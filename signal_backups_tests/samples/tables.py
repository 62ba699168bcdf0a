"""Creating signals tables in SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import psycopg

from signal_backups.core.source import SignalSource, open_source
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups_tests.samples.signals import NUMBERS, Row

#: Column name -> type of a table; the hash column is ``sha256``.
SQLITE_TYPES = {
    "signal_id": "TEXT",
    "symbol": "TEXT",
    "action": "TEXT",
    "entry_price": "REAL",
    "target_price": "REAL",
    "stop_price": "REAL",
    "confidence": "REAL",
    "strategy": "TEXT",
    "timestamp": "TEXT",
    "sha256": "TEXT",
}
POSTGRES_TYPES = SQLITE_TYPES | dict.fromkeys(NUMBERS, "double precision")
OPTIONAL_TYPES = {"generation_latency_ms": "REAL", "server_timestamp": "TEXT"}
OPTIONAL_POSTGRES_TYPES = {"generation_latency_ms": "double precision", "server_timestamp": "TEXT"}
UNTYPED = dict.fromkeys(SQLITE_TYPES, "")


def sqlite_table(path: Path, rows: Sequence[Row], types: Mapping[str, str] = SQLITE_TYPES) -> SignalSource:
    """Create a table ``signals`` in an SQLite file, with an index on its timestamp."""
    with closing(sqlite3.connect(path)) as connection, connection:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f"CREATE TABLE signals ({columns})")
        connection.execute('CREATE INDEX by_time ON signals ("timestamp")')
        _insert(connection, rows, types)
    return sqlite_source(path)


def sqlite_source(path: Path) -> SignalSource:
    """The table ``signals`` of an SQLite file."""
    return open_source(f"sqlite:///{path}", "signals")


def sample_database(path: Path, first: date, last: date) -> None:
    """Create an SQLite file with the sample signals of the days of a range."""
    extend_sample_database(path, last)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM signals WHERE timestamp < ?", [first.isoformat()])


@contextmanager
def another_process(path: Path, *statements: str) -> Iterator[None]:
    """Run the statements in another process, which keeps its connection open inside the ``with`` block.

    Two SQLite libraries in one process (Python's and ADBC's) do not see each other's locks.
    """
    program = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "for statement in sys.argv[2:]: connection.execute(statement).fetchall()\n"
        "print('done', flush=True)\n"
        "sys.stdin.read()\n"
        "connection.close()\n"
    )
    command = [sys.executable, "-c", program, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        yield
        process.communicate()
    assert process.returncode == 0


def copies(*names: str, **changes: str) -> str:
    """SQL that inserts copies of the first row, one for each name, with that name as id and with the given changes."""
    values = {"signal_id": "n.column1"} | {name: f"'{value}'" for name, value in changes.items()}
    fields = ", ".join(f"{values.get(name, f's.{name}')}" for name in SQLITE_TYPES)
    listed = ", ".join(f"('{name}')" for name in names)
    return f"INSERT INTO signals SELECT {fields} FROM (SELECT * FROM signals LIMIT 1) AS s, (VALUES {listed}) AS n"


def _insert(connection: sqlite3.Connection, rows: Sequence[Row], types: Mapping[str, str]) -> None:
    marks = ", ".join("?" for _ in types)
    connection.executemany(f"INSERT INTO signals VALUES ({marks})", [_values(row, types) for row in rows])


def postgres_table(url: str, rows: Sequence[Row], types: Mapping[str, str] = POSTGRES_TYPES) -> SignalSource:
    """Create a new table ``signals`` in a PostgreSQL database, with an index on its timestamp."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    marks = ", ".join("%s" for _ in types)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS signals")
        connection.execute(f"CREATE TABLE signals ({columns})")
        connection.execute('CREATE INDEX by_time ON signals ("timestamp")')
        connection.cursor().executemany(f"INSERT INTO signals VALUES ({marks})", [_values(row, types) for row in rows])
    return open_source(url, "signals")


def _values(row: Row, types: Mapping[str, str]) -> list[object]:
    return [row["verification_hash"] if name.lower() == "sha256" else row.get(name.lower()) for name in types]
