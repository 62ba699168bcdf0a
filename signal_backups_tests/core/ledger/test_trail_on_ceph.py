"""A trail on a store that ignores conditional writes: Ceph, up to version 16 at least."""

from __future__ import annotations

import uuid

import pytest

from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.ledger.event import Action
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server

pytestmark = pytest.mark.slow

WRITERS, EVENTS = 3, 5


def test_writers_of_one_machine_follow_each_other_and_a_warning_is_given(
    ceph_server: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    connection = S3Connection(
        ceph_server.endpoint_url, ceph_server.region, ceph_server.access_key, ceph_server.secret_key
    )
    store = S3ObjectStore(s3_client(connection), f"test-{uuid.uuid4().hex}")
    store.configuration.create()
    store.configuration.enable_versioning()
    vaults = [BackupVault(store, Layout()) for _ in range(WRITERS)]
    for _ in range(EVENTS):
        for vault in vaults:
            assert vault.trail.record(Action.VERIFICATION, "passed") is not None
    report = examine_trail(vaults[0])
    assert (report.ok, report.events) == (True, WRITERS * EVENTS)
    assert caplog.text.count("ignores conditional writes: only ONE machine may write") == WRITERS
    assert "IGNORES CONDITIONAL WRITES" in report.warnings[0]
