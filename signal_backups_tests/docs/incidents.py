"""What goes wrong at night, done to a real installation: an incident for each section of the troubleshooting page."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, time

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

from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.instance.home import prepare_home
from signal_backups.orchestration.names import DAILY_BACKUP_JOB
from signal_backups_tests.docs.installation import GOOD_VERSION, Changed, Installation, Preparation

# A port that belongs to nobody: the discard service.
NOBODY = "127.0.0.1:9"


@contextmanager
def a_day_was_never_backed_up(installation: Installation) -> Iterator[Changed]:
    yield {"SIGNAL_BACKUPS_START_DATE": str(installation.day(7))}


@contextmanager
def the_database_is_down(_installation: Installation) -> Iterator[Changed]:
    yield {"SIGNALS_DATABASE_URL": f"postgresql://backup:secret@{NOBODY}/trading"}


@contextmanager
def a_backup_is_deleted(installation: Installation) -> Iterator[Changed]:
    installation.stored.delete(installation.stored.key(installation.day(2)))
    yield {}


@contextmanager
def a_signal_is_deleted_from_the_database(installation: Installation) -> Iterator[Changed]:
    day = installation.day(3)
    with closing(sqlite3.connect(installation.database)) as database, database:
        query = "SELECT rowid, * FROM signals WHERE rowid = (SELECT min(rowid) FROM signals WHERE timestamp LIKE ?)"
        row = database.execute(query, [f"{day}%"]).fetchone()
        database.execute("DELETE FROM signals WHERE rowid = ?", [row[0]])
    installation.back_up(day)
    try:
        yield {}
    finally:
        _insert_again(installation, day, row[1:])


def _insert_again(installation: Installation, day: date, row: tuple[object, ...]) -> None:
    with closing(sqlite3.connect(installation.database)) as database, database:
        database.execute(f"INSERT INTO signals VALUES ({', '.join('?' * len(row))})", row)
    installation.back_up(day)


@contextmanager
def a_backup_is_destroyed(installation: Installation) -> Iterator[Changed]:
    day = installation.day(5)
    stored = installation.stored
    key = stored.key(day)
    for version in stored.vault.store.list_versions(key):
        stored.client.delete_object(Bucket=stored.bucket, Key=key, VersionId=version.version_id)
    try:
        yield {}
    finally:
        installation.back_up(day)


@contextmanager
def a_manifest_is_forged(installation: Installation) -> Iterator[Changed]:
    genuine, stored = installation.manifest(installation.day(2)), installation.stored
    key = stored.vault.layout.manifest_key(BackupSlot(genuine.day))
    forged = genuine.model_copy(update={"records": genuine.records - 1})
    version = stored.put(key, forged.to_bytes())
    yield {}
    stored.client.delete_object(Bucket=stored.bucket, Key=key, VersionId=version)
    _examined_again(installation)


@contextmanager
def a_day_has_two_objects(installation: Installation) -> Iterator[Changed]:
    stored, day = installation.stored, installation.day(3)
    other = stored.vault.layout.backup_key(BackupSlot(day, time(5)))
    version = stored.put(other, stored.body(day)[:-30])
    yield {}
    stored.client.delete_object(Bucket=stored.bucket, Key=other, VersionId=version)
    installation.back_up(day)


@contextmanager
def a_reconciliation_found_an_altered_signal(installation: Installation) -> Iterator[Changed]:
    """It was put right in the database since."""
    day = installation.day(4)
    query = "SELECT max(rowid), entry_price FROM signals WHERE timestamp LIKE ?"
    with closing(sqlite3.connect(installation.database)) as database:
        (row, price) = database.execute(query, [f"{day}%"]).fetchone()
        for found in (price + 1, price):
            with database:
                database.execute("UPDATE signals SET entry_price = ? WHERE rowid = ?", [found, row])
            if found != price:
                assert installation.terminal({}).run("reconcile", "--from", str(day), "--to", str(day)).code == 1
    yield {}


def _examined_again(installation: Installation) -> None:
    """Nothing is wrong with the logs any more; the examination that says so clears what the page's one found."""
    assert installation.terminal({}).run("audit", "verify").code == 0


@contextmanager
def the_schedule_is_off(installation: Installation) -> Iterator[Changed]:
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("signal_backups"), "__repository__")
    origin = RemoteInstigatorOrigin(place, "daily_backup_schedule")
    off = InstigatorState(
        origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("0 2 * * *")
    )
    with dg.DagsterInstance.from_config(str(installation.dagster_home)) as instance:
        instance.add_instigator_state(off)
    yield {}


@contextmanager
def a_row_broke_the_schema_and_was_fixed(installation: Installation) -> Iterator[Changed]:
    day = installation.day(1)
    with closing(sqlite3.connect(installation.database)) as database, database:
        (row, price) = database.execute(
            "SELECT max(rowid), entry_price FROM signals WHERE timestamp LIKE ?", [f"{day}%"]
        ).fetchone()
        database.execute("UPDATE signals SET entry_price = -1 WHERE rowid = ?", [row])
    installation.back_up(day)
    with closing(sqlite3.connect(installation.database)) as database, database:
        database.execute("UPDATE signals SET entry_price = ? WHERE rowid = ?", [price, row])
    yield {}


@contextmanager
def the_table_has_a_column_more(installation: Installation) -> Iterator[Changed]:
    with closing(sqlite3.connect(installation.database)) as database, database:
        database.execute("ALTER TABLE signals ADD COLUMN trader_notes TEXT DEFAULT 'none'")
    yield {}
    with closing(sqlite3.connect(installation.database)) as database, database:
        database.execute("ALTER TABLE signals DROP COLUMN trader_notes")


@contextmanager
def a_row_names_no_day(installation: Installation) -> Iterator[Changed]:
    with closing(sqlite3.connect(installation.database)) as database, database:
        (row, stamp) = database.execute("SELECT rowid, timestamp FROM signals ORDER BY rowid LIMIT 1").fetchone()
        database.execute("UPDATE signals SET timestamp = 'yesterday' WHERE rowid = ?", [row])
    assert installation.terminal({}).run("quarantine", "--refresh").code == 0
    yield {}
    with closing(sqlite3.connect(installation.database)) as database, database:
        database.execute("UPDATE signals SET timestamp = ? WHERE rowid = ?", [stamp, row])
    assert installation.terminal({}).run("quarantine", "--refresh").code == 0


def bytes_are_lost(before: int) -> Preparation:
    """The newest version of a day is cut short, and its manifest takes it for the one it vouched for."""

    @contextmanager
    def incident(installation: Installation) -> Iterator[Changed]:
        good = installation.manifest(installation.day(before))
        installation.stored.claim(
            good, version_id=installation.stored.put(good.backup.key, installation.stored.body(good.day)[:-30])
        )
        yield {GOOD_VERSION: good.backup.version_id}

    return incident


@contextmanager
def bytes_are_lost_for_now(installation: Installation) -> Iterator[Changed]:
    """Like ``bytes_are_lost``, while the page only looks at it."""
    good = installation.manifest(installation.day(5))
    with installation.stored.damaged(good, installation.stored.body(good.day)[:-30]):
        yield {GOOD_VERSION: good.backup.version_id}


@contextmanager
def an_entry_of_the_trail_is_deleted(installation: Installation) -> Iterator[Changed]:
    vault = installation.stored.vault
    second = sorted(version.key for version in vault.store.list_versions("audit/events/"))[1]
    marker = installation.stored.delete(second)
    yield {}
    installation.stored.client.delete_object(Bucket=installation.stored.bucket, Key=second, VersionId=marker)
    _examined_again(installation)


@contextmanager
def the_target_holds_these_signals(installation: Installation) -> Iterator[Changed]:
    shutil.copy(installation.database, installation.stored.folder / "restored.db")
    yield {}


@contextmanager
def a_channel_refuses(installation: Installation) -> Iterator[Changed]:
    installation.receiver.refuses = True
    yield {}
    installation.receiver.refuses = False


@contextmanager
def the_quota_is_small(_installation: Installation) -> Iterator[Changed]:
    yield {"SIGNAL_BACKUPS_STORAGE_QUOTA_GB": "0.0001"}


@contextmanager
def backups_are_not_locked(installation: Installation) -> Iterator[Changed]:
    """They were stored into a bucket with Object Lock under a profile without; it goes with the server."""
    bucket = f"test-{uuid.uuid4().hex}"
    installation.stored.client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    vault = BackupVault(S3ObjectStore(installation.stored.client, bucket), installation.stored.vault.layout)
    for before in (2, 1, 0):
        installation.back_up(installation.day(before), vault)
    yield {
        "BACKUP_BUCKET_NAME": bucket,
        "SIGNAL_BACKUPS_PROFILE": "recommended",
        "SIGNAL_BACKUPS_START_DATE": str(installation.day(2)),
    }


@contextmanager
def the_store_is_down(_installation: Installation) -> Iterator[Changed]:
    yield {"AWS_ENDPOINT_URL_S3": f"http://{NOBODY}"}


#: By the anchor of the section; in the others nothing is wrong.
@contextmanager
def a_run_was_killed(installation: Installation) -> Iterator[Changed]:
    """Hours ago, so that Dagster shows it as running ever since."""
    home, day = prepare_home(installation.dagster_home), installation.day(2)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        tags = {"dagster/partition": day.isoformat()}
        run = instance.add_run(dg.DagsterRun(DAILY_BACKUP_JOB, status=dg.DagsterRunStatus.STARTED, tags=tags))
    with closing(sqlite3.connect(home / "history" / "runs.db")) as runs, runs:
        ago = "datetime(create_timestamp, '-3 hours')"
        runs.execute(f"UPDATE runs SET create_timestamp = {ago} WHERE run_id = ?", [run.run_id])
    yield {}


INCIDENTS: dict[str, Preparation] = {
    "backup-failed": a_day_was_never_backed_up,
    "the-database-or-the-store-cannot-be-reached": the_database_is_down,
    "the-database-differs-from-its-backup": a_signal_is_deleted_from_the_database,
    "a-backup-was-destroyed": a_backup_is_destroyed,
    "a-backup-was-deleted": a_backup_is_deleted,
    "a-manifest-was-changed": a_manifest_is_forged,
    "a-day-has-two-objects": a_day_has_two_objects,
    "an-examination-found-something": a_reconciliation_found_an_altered_signal,
    "nothing-runs-by-itself": the_schedule_is_off,
    "a-run-is-stuck": a_run_was_killed,
    "rows-are-in-quarantine": a_row_broke_the_schema_and_was_fixed,
    "rows-are-undated": a_row_names_no_day,
    "extra-columns": the_table_has_a_column_more,
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
