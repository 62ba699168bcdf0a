"""Healthy installations on SeaweedFS and on the strict in-memory S3, each with a recent backup."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import last_complete_day
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.core.doctor.installations import Installation, database_settings
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import signals
from signal_backups_tests.samples.tables import sqlite_table
from signal_backups_tests.servers.s3 import client_for
from signal_backups_tests.servers.strict_s3 import StrictS3


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder without ``.env``."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of three signals."""
    sqlite_table(tmp_path / "signals.db", signals(3))
    return tmp_path / "signals.db"


def backed_up(installation: Installation, database: Path) -> Installation:
    """Return the installation after creating its bucket and one backup."""
    installation.make_bucket()
    source = sqlite_table(database.with_name("other.db"), signals(3))
    day = extracted(source, database.parent, last_complete_day())
    store_backup(installation.vault(installation.profile()), day.folder, BackupRun("run"))
    return installation


@pytest.fixture
def installation(database: Path, s3_server: S3Server) -> Installation:
    """An installation on SeaweedFS, with Object Lock; the bucket is removed with the server."""
    name = f"test-{uuid.uuid4().hex}"
    return backed_up(Installation(database_settings(database), client_for(s3_server, max_attempts=1), name), database)


@pytest.fixture
def s3() -> StrictS3:
    """An in-memory S3 with the real time."""
    return StrictS3(lambda: datetime.now(UTC))


@pytest.fixture
def amazon(database: Path, s3: StrictS3) -> Installation:
    """An installation on the in-memory S3 under an address of Amazon's."""
    return backed_up(Installation(database_settings(database), s3.client()), database)


@pytest.fixture
def other(amazon: Installation, s3: StrictS3) -> Installation:
    """The same store under another address, which is not Amazon's."""
    client = s3_client(S3Connection("http://s3.desk.example", "us-east-1", "strict", "strict", max_attempts=1))
    s3.attach(client)
    return replace(amazon, client=client)
