"""Live sources with backups of all their days, for whole drills on both engines."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.drill.run import DrillReport, DrillRun, drill
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import SQLITE_TYPES, postgres_table, sqlite_table
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3

NOW = datetime(2026, 11, 12, 3, 0, tzinfo=UTC)
LAST = date(2026, 11, 11)
DAYS = [LAST - timedelta(days=age) for age in range(9, -1, -1)]
BUCKET = "backups"

#: Writes a row every two milliseconds until a line arrives on its input, then prints their number.
_PRODUCER = """
import sys, threading, time
url, statement = sys.argv[1:]
if url.startswith("sqlite"):
    import sqlite3
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
else:
    import psycopg
    connection = psycopg.connect(url, autocommit=True)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
written = 0
while not ended.is_set():
    connection.execute(statement.format(written))
    written += 1
    if written == 1:
        print("writing", flush=True)
    time.sleep(0.002)
connection.close()
print(written)
"""


def rows_of(day: date, count: int = 5) -> list[Row]:
    return [
        signal(number, signal_id=f"{day}-{number}", timestamp=f"{day}T00:00:{number:02}+00:00")
        for number in range(count)
    ]


def all_rows() -> list[Row]:
    return [row for day in DAYS for row in rows_of(day)]


@dataclass(frozen=True)
class Live:
    """A live source with backups of all its days."""

    url: str
    vault: BackupVault
    scratch: Path
    execute: Callable[[str], None]

    def drill(self, **changes: object) -> DrillReport:
        run = DrillRun("run", self.url, "signals", self.scratch, clock=lambda: NOW)
        return drill(self.vault, replace(run, **changes))  # type: ignore[arg-type]


def stored_days(folder: Path) -> StrictS3:
    """Return an in-memory S3 with a backup of every day."""
    s3 = StrictS3(utc_now)
    create_versioned_bucket(s3.client(), BUCKET)
    source = sqlite_table(folder / "source.db", all_rows())
    for day in DAYS:
        store_backup(vault_of(s3), extracted(source, folder, day).folder, BackupRun("run"))
    return s3


def vault_of(s3: StrictS3) -> BackupVault:
    """Return the vault of an S3."""
    return BackupVault(S3ObjectStore(s3.client(), BUCKET), Layout())


def live_sqlite(s3: StrictS3, folder: Path) -> Live:
    """Return a new SQLite file with the rows of all days, whose backups are in ``s3``."""
    file = folder / "live.db"
    sqlite_table(file, all_rows())

    def execute(statement: str) -> None:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute(statement)

    return Live(f"sqlite:///{file}", vault_of(s3), folder / "scratch", execute)


def live_postgres(s3: StrictS3, folder: Path, url: str) -> Live:
    """Fill an empty PostgreSQL database with the rows of all days, whose backups are in ``s3``."""
    postgres_table(url, all_rows())

    def execute(statement: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    return Live(url, vault_of(s3), folder / "scratch", execute)


@contextmanager
def writing(live: Live) -> Iterator[Callable[[], int]]:
    """Write signals of today in a separate process during the block; yields a function that returns how many."""
    columns = {"signal_id": "'today-' || {0}", "timestamp": "'2026-11-12T01:00:00Z'"}
    values = ", ".join(columns.get(name, name) for name in SQLITE_TYPES)
    statement = f"INSERT INTO signals SELECT {values} FROM signals WHERE signal_id = '{LAST}-1'"
    # Two SQLite libraries in one process would release each other's file locks and damage the file.
    command = [sys.executable, "-c", _PRODUCER, live.url, statement]
    counted: list[int] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as producer:
        assert producer.stdout is not None
        assert producer.stdout.readline() == "writing\n"
        yield lambda: counted[0]
        counted.append(int(producer.communicate("stop\n")[0]))
