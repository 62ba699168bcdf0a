"""The cost of reading a day: in tables of 60, 600 and 2,555 days, and beside neighbours of a million rows.

The day has 1,000 signals. Shown is processor time of this process, and of PostgreSQL the wall clock too, because its
server is another process.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import psycopg

from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.source import SignalSource, open_source
from signal_backups_tests.servers.postgres import running_postgres

LAST = date(2026, 11, 20)
ROWS = 1000
NEIGHBOUR_ROWS = 1_000_000
DAYS = (60, 600, 2555)
ROUNDS = 7

_VALUES = "'EURUSD', 'BUY', 1.1, 1.2, 1.0, 80.0, 'trend'"
_NAMES = "symbol, action, entry_price, target_price, stop_price, confidence, strategy"
_HASH = "0" * 64


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure("sqlite, text", Path(folder), lambda: _Sqlite(Path(folder) / "signals.db"))
        with running_postgres(Path(folder)) as url:
            for kind in ("timestamptz", "text"):
                _measure(f"postgresql, {kind}", Path(folder), lambda kind=kind: _Postgres(url, kind))


def _measure(name: str, folder: Path, make: Callable[[], _Sqlite | _Postgres]) -> None:
    for days in DAYS:
        table = make()
        table.fill([(LAST - timedelta(days=back), ROWS) for back in range(days)])
        _show(f"{name}, {days:,} days", table.source, folder)
    table = make()
    around = [LAST - timedelta(days=2), LAST]
    table.fill([(LAST - timedelta(days=1), ROWS), *((day, NEIGHBOUR_ROWS) for day in around)])
    _show(f"{name}, beside a million", table.source, folder)


def _show(what: str, source: SignalSource, folder: Path) -> None:
    day = DayFolder(folder / "day", LAST - timedelta(days=1))
    day.path.mkdir(exist_ok=True)
    cpu, wall = [], []
    for _ in range(ROUNDS):
        began = time.process_time(), time.perf_counter()
        assert extract_day(source, day).rows == ROWS
        cpu.append(time.process_time() - began[0])
        wall.append(time.perf_counter() - began[1])
    print(f"{what:<40} {1000 * median(cpu):7.0f} ms processor, {1000 * min(wall):7.0f} ms at best", flush=True)


class _Sqlite:
    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self.source = open_source(f"sqlite:///{path}", "signals")

    def fill(self, days: Sequence[tuple[date, int]]) -> None:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"CREATE TABLE signals (signal_id TEXT, {_NAMES}, timestamp TEXT, sha256 TEXT)")
            for day, rows in days:
                database.execute(
                    "INSERT INTO signals WITH RECURSIVE n(i) AS "
                    "(SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?) "
                    f"SELECT ? || '-' || i, {_VALUES}, strftime('%Y-%m-%dT%H:%M:%S', ?, (i * 86399 / ?) || ' seconds') "
                    f"|| '+00:00', '{_HASH}' FROM n",
                    [rows, str(day), str(day), rows],
                )
            database.execute("CREATE INDEX by_time ON signals (timestamp)")


class _Postgres:
    def __init__(self, url: str, kind: str) -> None:
        self._url, self._kind = url, kind
        self.source = open_source(url, "signals")

    def fill(self, days: Sequence[tuple[date, int]]) -> None:
        with psycopg.connect(self._url, autocommit=True) as database:
            database.execute("SET timezone = 'UTC'")
            database.execute("DROP TABLE IF EXISTS signals")
            database.execute(
                "CREATE TABLE signals (signal_id text, symbol text, action text, entry_price float8, "
                "target_price float8, stop_price float8, confidence float8, strategy text, "
                f'"timestamp" {self._kind}, sha256 text)'
            )
            stamp = "%s::timestamptz + i * interval '1 second' * 86399 / %s"
            if self._kind == "text":
                stamp = f"to_char({stamp}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US+00:00')"
            for day, rows in days:
                database.execute(
                    f"INSERT INTO signals SELECT %s || '-' || i, {_VALUES}, {stamp}, '{_HASH}' "
                    "FROM generate_series(0, %s) AS i",
                    [str(day), str(day), rows, rows - 1],
                )
            database.execute('CREATE INDEX by_time ON signals ("timestamp")')
            database.execute("VACUUM ANALYZE signals")


if __name__ == "__main__":
    main()
