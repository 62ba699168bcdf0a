"""A year of a thousand signals a day, backed up and restored whole into both engines, equal to the source."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.store_backup import BackupRun, store_backup
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.opening import open_target
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import SQLITE_TYPES, sqlite_table
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket

FIRST, DAYS, SIGNALS_A_DAY = date(2024, 1, 1), 365, 1000
LAST = FIRST + timedelta(days=DAYS - 1)

_ALL = f"SELECT {', '.join(SQLITE_TYPES)} FROM signals ORDER BY signal_id"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("year")


@pytest.fixture(scope="module")
def vault(s3_server: S3Server, folder: Path) -> Iterator[BackupVault]:
    """The year, stored."""
    client, bucket = client_for(s3_server), "a-year-of-signals"
    create_versioned_bucket(client, bucket)
    made = BackupVault(S3ObjectStore(client, bucket), Layout())
    source = sqlite_table(folder / "source.db", list(_rows()))
    scratch = Scratch(folder / "backup")
    for number in range(DAYS):
        with scratch.day("run", FIRST + timedelta(days=number)) as day:
            extract_day(source, day)
            write_hashed_csv(day)
            store_backup(made, day, BackupRun("run"))
    yield made
    remove_bucket(client, bucket)


def test_a_year_restored_into_sqlite_equals_the_source(vault: BackupVault, folder: Path) -> None:
    restore(vault, f"sqlite:///{folder / 'restored.db'}", folder)
    assert in_sqlite(folder / "restored.db") == in_sqlite(folder / "source.db")


def test_a_year_restored_into_postgresql_equals_the_source(
    vault: BackupVault, folder: Path, postgres_database: str
) -> None:
    restore(vault, postgres_database, folder)
    with psycopg.connect(postgres_database) as connection:
        # The order of the other engine, which compares bytes.
        held = connection.execute(_ALL + ' COLLATE "C"').fetchall()
    assert held == in_sqlite(folder / "source.db")


def restore(vault: BackupVault, target: str, folder: Path) -> None:
    opened = open_target(target, "signals")
    report = Restore(vault, opened, RestoreOptions(), folder / "scratch").run(choose_days(vault, FIRST, LAST))
    assert report.exit_code is ExitCode.OK
    assert (len(report.days), report.total("restored")) == (DAYS, DAYS * SIGNALS_A_DAY)


def in_sqlite(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(_ALL).fetchall()


def _rows() -> Iterator[Row]:
    rng = random.Random(7)  # noqa: S311 - data, not a secret
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        for second in range(SIGNALS_A_DAY):
            yield signal(
                second,
                signal_id=f"{day:%Y%m%d}-{second:05}",
                entry_price=rng.lognormvariate(0, 5),
                confidence=round(rng.uniform(0, 100), 2),
                timestamp=f"{day}T{second // 60:02}:{second % 60:02}:00.{rng.randrange(10**6):06}+00:00",
            )
