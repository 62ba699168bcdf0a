"""Fixtures of the domain's tests: a database of their own, and days taken through the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.samples.days import DayRun, RunDay, extracted
from signal_backups_tests.samples.signals import DAY, Row, signals
from signal_backups_tests.samples.tables import SQLITE_TYPES, sqlite_table
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3


@pytest.fixture
def run_day(tmp_path: Path) -> RunDay:
    """Makes an SQLite table of rows and takes a day of it through the stages; once a test, or with another file."""

    def run(
        rows: Sequence[Row], day: date = DAY, types: Mapping[str, str] = SQLITE_TYPES, file: str = "signals.db"
    ) -> DayRun:
        return extracted(sqlite_table(tmp_path / file, rows, types), tmp_path, day)

    return run


@pytest.fixture
def three(run_day: RunDay) -> DayRun:
    """A small backup: three good signals."""
    return run_day(signals(3))


@pytest.fixture
def connection(s3_server: S3Server) -> S3Connection:
    """How to reach the S3 server."""
    return S3Connection(
        endpoint_url=s3_server.endpoint_url,
        region=s3_server.region,
        access_key_id=s3_server.access_key,
        secret_access_key=s3_server.secret_key,
    )


@pytest.fixture
def memory() -> StrictS3:
    """An S3 in memory, at the real present."""
    return StrictS3(utc_now)


@pytest.fixture
def store(memory: StrictS3) -> S3ObjectStore:
    """A store on a fresh, versioned bucket in memory."""
    client = memory.client(max_attempts=5)
    create_versioned_bucket(client, "backups")
    return S3ObjectStore(client, "backups")


@pytest.fixture
def server_store(connection: S3Connection, bucket: str) -> S3ObjectStore:
    """A store on a fresh, versioned bucket of the S3 server: for other processes, and for what a network does."""
    return S3ObjectStore(s3_client(connection), bucket)


@pytest.fixture
def vault(store: S3ObjectStore) -> BackupVault:
    """The empty vault of that store."""
    return BackupVault(store, Layout())
