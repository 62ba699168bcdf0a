"""What goes wrong at night, done to a real set-up: a mishap for each section of the troubleshooting page.

What belongs here: the set-up and its mishaps. What does not: what is to be done about them (the page says it).
"""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from signal_backups.core.backup.store_backup import BackupRun, store_backup
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import open_source
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.cli.stored_days import StoredDays
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.servers.receivers import Receiver

# A port that belongs to nobody: the discard service.
NOBODY = "127.0.0.1:9"


@dataclass(frozen=True)
class SetUp:
    """A database, a bucket with its days, a Dagster home, a receiver of alerts; the last complete day is ``newest``."""

    stored: StoredDays
    database: Path
    dagster_home: Path
    receiver: Receiver
    newest: date

    def day(self, before: int) -> date:
        """So many days before the newest."""
        return self.newest - timedelta(days=before)

    def back_up(self, day: date, vault: BackupVault | None = None) -> Manifest:
        """Back a day up, without Dagster."""
        source = open_source(f"sqlite:///{self.database}", "signals")
        run = extracted(source, self.stored.folder, day)
        return store_backup(vault or self.stored.vault, run.folder, BackupRun("nightly")).manifest

    def manifest(self, day: date) -> Manifest:
        """The manifest of a day."""
        backup = self.stored.vault.find(day)
        assert backup.manifest is not None
        return backup.manifest


#: Other settings, and what placeholders of the page stand for.
Changed = dict[str, str]
Mishap = Callable[[SetUp], AbstractContextManager[Changed]]

#: What the page calls the version that was good.
GOOD_VERSION = "VERSION_ID"


@contextmanager
def nothing(_setup: SetUp) -> Iterator[Changed]:
    yield {}


@contextmanager
def a_day_was_never_backed_up(setup: SetUp) -> Iterator[Changed]:
    yield {"SIGNAL_BACKUPS_START_DATE": str(setup.day(7))}


@contextmanager
def the_database_is_down(_setup: SetUp) -> Iterator[Changed]:
    yield {"SIGNALS_DATABASE_URL": f"postgresql://backup:secret@{NOBODY}/trading"}


@contextmanager
def a_backup_is_deleted(setup: SetUp) -> Iterator[Changed]:
    setup.stored.delete(setup.stored.key(setup.day(2)))
    yield {}


@contextmanager
def the_schedule_is_off(setup: SetUp) -> Iterator[Changed]:
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("signal_backups"), "__repository__")
    origin = RemoteInstigatorOrigin(place, "daily_backup_schedule")
    off = InstigatorState(
        origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("0 2 * * *")
    )
    with dg.DagsterInstance.from_config(str(setup.dagster_home)) as instance:
        instance.add_instigator_state(off)
    yield {}


@contextmanager
def a_row_broke_the_schema_and_was_mended(setup: SetUp) -> Iterator[Changed]:
    day = setup.day(1)
    with closing(sqlite3.connect(setup.database)) as database, database:
        (row, price) = database.execute(
            "SELECT max(id), entry_price FROM signals WHERE timestamp LIKE ?", [f"{day}%"]
        ).fetchone()
        database.execute("UPDATE signals SET entry_price = -1 WHERE id = ?", [row])
    setup.back_up(day)
    with closing(sqlite3.connect(setup.database)) as database, database:
        database.execute("UPDATE signals SET entry_price = ? WHERE id = ?", [price, row])
    yield {}


def bytes_are_lost(before: int) -> Mishap:
    """The newest version of a day is cut short, and its manifest takes it for the one it vouched for."""

    @contextmanager
    def mishap(setup: SetUp) -> Iterator[Changed]:
        good = setup.manifest(setup.day(before))
        setup.stored.claim(good, version_id=setup.stored.put(good.backup.key, setup.stored.body(good.day)[:-30]))
        yield {GOOD_VERSION: good.backup.version_id}

    return mishap


@contextmanager
def bytes_are_lost_for_now(setup: SetUp) -> Iterator[Changed]:
    """Like ``bytes_are_lost``, while the page only looks at it."""
    good = setup.manifest(setup.day(5))
    with setup.stored.damaged(good, setup.stored.body(good.day)[:-30]):
        yield {GOOD_VERSION: good.backup.version_id}


@contextmanager
def an_entry_of_the_trail_is_deleted(setup: SetUp) -> Iterator[Changed]:
    vault = setup.stored.vault
    second = sorted(version.key for version in vault.store.list_versions("audit/events/"))[1]
    marker = setup.stored.delete(second)
    yield {}
    setup.stored.client.delete_object(Bucket=setup.stored.bucket, Key=second, VersionId=marker)


@contextmanager
def the_target_holds_these_signals(setup: SetUp) -> Iterator[Changed]:
    shutil.copy(setup.database, setup.stored.folder / "restored.db")
    yield {}


@contextmanager
def a_channel_refuses(setup: SetUp) -> Iterator[Changed]:
    setup.receiver.refuses = True
    yield {}
    setup.receiver.refuses = False


@contextmanager
def the_quota_is_small(_setup: SetUp) -> Iterator[Changed]:
    yield {"SIGNAL_BACKUPS_STORAGE_QUOTA_GB": "0.0001"}


@contextmanager
def backups_are_not_locked(setup: SetUp) -> Iterator[Changed]:
    """They were stored into a bucket with Object Lock under a profile without; it goes with the server."""
    bucket = f"test-{uuid.uuid4().hex}"
    setup.stored.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    vault = BackupVault(S3ObjectStore(setup.stored.client, bucket), setup.stored.vault.layout)
    for before in (2, 1, 0):
        setup.back_up(setup.day(before), vault)
    yield {
        "BACKUP_BUCKET_NAME": bucket,
        "SIGNAL_BACKUPS_PROFILE": "recommended",
        "SIGNAL_BACKUPS_START_DATE": str(setup.day(2)),
    }


@contextmanager
def the_store_is_down(_setup: SetUp) -> Iterator[Changed]:
    yield {"AWS_ENDPOINT_URL_S3": f"http://{NOBODY}"}


#: By the anchor of the section; in the others all is well.
MISHAPS: dict[str, Mishap] = {
    "backup-failed": a_day_was_never_backed_up,
    "the-database-or-the-store-cannot-be-reached": the_database_is_down,
    "a-backup-was-deleted": a_backup_is_deleted,
    "nothing-runs-by-itself": the_schedule_is_off,
    "rows-are-in-quarantine": a_row_broke_the_schema_and_was_mended,
    "verification-failed": bytes_are_lost(2),
    "the-database-no-longer-has-the-day": bytes_are_lost(4),
    "the-audit-trail-is-broken": an_entry_of_the_trail_is_deleted,
    "restore-failed": bytes_are_lost_for_now,
    "signals-are-already-there": the_target_holds_these_signals,
    "a-channel-does-not-take-alerts": a_channel_refuses,
    "storage-quota": the_quota_is_small,
    "unlocked-backups": backups_are_not_locked,
    "s3-cannot-be-read": the_store_is_down,
}
