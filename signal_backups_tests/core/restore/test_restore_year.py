"""A year of backups restored into both engines equals the source."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.open_target import open_target
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention_audit.audit_samples import manifest_of
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import OPTIONAL_TYPES, SQLITE_TYPES, sqlite_table
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3

FIRST, DAYS, SIGNALS_A_DAY = date(2024, 1, 1), 365, 12
LAST = FIRST + timedelta(days=DAYS - 1)

FIELDS = [*(name for name in SQLITE_TYPES if name != "sha256"), "verification_hash", *OPTIONAL_TYPES]
_ALL = f"SELECT {', '.join(SQLITE_TYPES)} FROM signals ORDER BY signal_id"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("year")


@pytest.fixture(scope="module")
def vault(folder: Path) -> BackupVault:
    """A year of backups in the in-memory S3."""
    client = StrictS3(utc_now).client()
    create_versioned_bucket(client, "backups")
    made = BackupVault(S3ObjectStore(client, "backups"), Layout())
    rows = list(_rows())
    sqlite_table(folder / "source.db", rows)
    for number in range(DAYS):
        day, body = FIRST + timedelta(days=number), csv_of(rows[number * SIGNALS_A_DAY :][:SIGNALS_A_DAY])
        key = made.layout.backup_key(BackupSlot(day))
        version_id = made.store.put_bytes(key, body, "text/csv")
        stored = StoredFile(key=key, version_id=version_id, bytes=len(body), sha256=sha256(body).hexdigest())
        manifest = manifest_of(stored, day, bucket="backups", records=SIGNALS_A_DAY, columns=FIELDS)
        made.store.put_bytes(made.layout.manifest_key(BackupSlot(day)), manifest.to_bytes(), "application/json")
    return made


def csv_of(rows: list[Row]) -> bytes:
    """A backup's CSV, written without the code under test."""
    lines = [FIELDS, *([str(row.get(name, "")) for name in FIELDS] for row in rows)]
    return "".join(f"{','.join(line)}\n" for line in lines).encode()


@pytest.mark.slow
def test_a_year_restored_into_sqlite_equals_the_source(vault: BackupVault, folder: Path) -> None:
    restore(vault, f"sqlite:///{folder / 'restored.db'}", folder)
    assert in_sqlite(folder / "restored.db") == in_sqlite(folder / "source.db")


@pytest.mark.slow
def test_a_year_restored_into_postgresql_equals_the_source(
    vault: BackupVault, folder: Path, postgres_database: str
) -> None:
    restore(vault, postgres_database, folder)
    with psycopg.connect(postgres_database) as connection:
        # SQLite orders texts by bytes, so PostgreSQL must too.
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
                timestamp=f"{day}T{second:02}:00:00.{rng.randrange(10**6):06}+00:00",
            )
