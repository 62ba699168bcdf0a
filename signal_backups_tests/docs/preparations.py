"""What the commands of a page need beforehand, section by section, where it is more than a week of backups."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.docs.incidents import backups_are_not_locked
from signal_backups_tests.docs.installation import GOOD_VERSION, STORED_DAYS, Changed, Installation, Preparation
from signal_backups_tests.servers.postgres import running_postgres
from signal_backups_tests.servers.s3 import create_versioned_bucket

#: What the pages call the lost database's successor, a signal, an instant, and a file of node_exporter.
NEW_DATABASE = "postgresql://admin:secret@db2.internal:5432/trading"
SIGNAL_ID = "SIGNAL_ID"
INSTANT = "2026-11-01T12:00Z"
#: A day before the first backup: the nearer it is, the fewer empty days are compared.
LONG_AGO = "2026-01-01"
TEXTFILE = "/var/lib/node_exporter/signal_backups.prom"


@contextmanager
def an_empty_postgres(installation: Installation) -> Iterator[Changed]:
    with running_postgres(installation.stored.folder) as url:
        yield {NEW_DATABASE: url, LONG_AGO: str(installation.day(STORED_DAYS + 1))}


@contextmanager
def an_earlier_version(installation: Installation) -> Iterator[Changed]:
    version = installation.manifest(installation.day(2)).backup.version_id
    yield {GOOD_VERSION: version, INSTANT: datetime.now(UTC).isoformat(timespec="seconds")}


@contextmanager
def a_backup_on_disk(installation: Installation) -> Iterator[Changed]:
    (installation.stored.folder / "signals.csv").write_bytes(installation.stored.body(installation.day(2)))
    yield {}


@contextmanager
def a_folder_for_node_exporter(_installation: Installation) -> Iterator[Changed]:
    yield {TEXTFILE: "signal_backups.prom"}


@contextmanager
def an_empty_bucket(installation: Installation) -> Iterator[Changed]:
    yield {"BACKUP_BUCKET_NAME": _versioned_bucket(installation)}


@contextmanager
def a_second_bucket(installation: Installation) -> Iterator[Changed]:
    yield {"SIGNAL_BACKUPS_ANCHOR_BUCKET": _versioned_bucket(installation)}


@contextmanager
def a_known_signal(installation: Installation) -> Iterator[Changed]:
    yield {SIGNAL_ID: _first_signal_id(installation)}


@contextmanager
def locked_backups(installation: Installation) -> Iterator[Changed]:
    """Three days in a bucket that is set up with Object Lock; it goes with the server."""
    client, bucket = installation.stored.client, f"test-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    store = S3ObjectStore(client, bucket, lock=LockPolicy(LockMode.COMPLIANCE, 7))
    changed = {
        "BACKUP_BUCKET_NAME": bucket,
        "SIGNAL_BACKUPS_PROFILE": "recommended",
        "SIGNAL_BACKUPS_START_DATE": str(installation.day(2)),
        SIGNAL_ID: _first_signal_id(installation),
    }
    assert installation.terminal(changed).run("init").code == 0
    for before in (2, 1, 0):
        installation.back_up(installation.day(before), BackupVault(store, installation.stored.vault.layout))
    # The database has days before the first of these.
    assert installation.terminal(changed).run("quarantine", "--refresh").code == 0
    yield changed


def _versioned_bucket(installation: Installation) -> str:
    bucket = f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(installation.stored.client, bucket)
    return bucket


def _first_signal_id(installation: Installation) -> str:
    _, first, *_ = installation.stored.body(installation.day(1)).decode().splitlines()
    return first.split(",")[0].strip('"')


#: By page and anchor.
PREPARATIONS: dict[str, Preparation] = {
    "alerts#watch-it-from-outside": a_folder_for_node_exporter,
    "backups#prove-that-a-backup-is-good": a_backup_on_disk,
    "compliance#what-to-show-an-examiner-in-this-order": locked_backups,
    "proof#anchors": a_second_bucket,
    "proof#prove-one-signal": a_known_signal,
    "restore#it-is-3-am-and-the-database-is-gone": an_empty_postgres,
    "restore#restore-something-else": an_earlier_version,
    "retention#legal-holds-and-longer-locks": backups_are_not_locked,
    "retention#set-up-the-bucket": an_empty_bucket,
}
