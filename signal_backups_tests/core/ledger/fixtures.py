"""Fixtures for logs in a bucket in memory, with ten entries a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from signal_backups.core.integrity.log import segments
from signal_backups.core.ledger import chained_log
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.trails import BUCKET, START, Admin
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def client(store: S3ObjectStore) -> S3Client:
    """A client of the S3 in memory."""
    return store._client


@pytest.fixture
def vault(store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> BackupVault:
    """An empty vault, with ten entries a folder instead of a thousand: few entries fill several."""
    monkeypatch.setattr(chained_log, "FOLDER_SIZE", 10)
    monkeypatch.setattr(segments, "FOLDER_SIZE", 10)
    return BackupVault(store, Layout())


@pytest.fixture
def admin(client: S3Client, vault: BackupVault) -> Admin:
    """The administrator of the bucket, at the events."""
    return Admin(client, vault.trail.log)


@pytest.fixture
def s3() -> StrictS3:
    """An S3 in memory, with a versioned bucket."""
    s3 = StrictS3(SimulatedClock(START))
    store = S3ObjectStore(s3.client(), BUCKET)
    store.configuration.create()
    store.configuration.enable_versioning()
    return s3
