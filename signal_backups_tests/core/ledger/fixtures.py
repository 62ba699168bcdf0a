"""Fixtures for logs in a bucket: one bucket a module, a prefix a test, and ten entries a folder."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from signal_backups.core.integrity.log import segments
from signal_backups.core.ledger import chained_log
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.core.ledger.trails import BUCKET, START, Admin
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def client(s3_server: S3Server) -> S3Client:
    """A client of the S3 server."""
    return client_for(s3_server)


@pytest.fixture(scope="module")
def shared_bucket(client: S3Client) -> str:
    """A versioned bucket; it goes with the server."""
    name = f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(client, name)
    return name


@pytest.fixture
def layout() -> Layout:
    """A place of its own for a test in the shared bucket."""
    return Layout(f"{uuid.uuid4().hex}/signals/")


@pytest.fixture
def vault(client: S3Client, shared_bucket: str, layout: Layout, monkeypatch: pytest.MonkeyPatch) -> BackupVault:
    """An empty vault, with ten entries a folder instead of a thousand: few entries fill several."""
    monkeypatch.setattr(chained_log, "FOLDER_SIZE", 10)
    monkeypatch.setattr(segments, "FOLDER_SIZE", 10)
    return BackupVault(S3ObjectStore(client, shared_bucket), layout)


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
