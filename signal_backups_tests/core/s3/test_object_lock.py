"""The lock in the PUT itself, on a real S3 server; and the calendar behind it."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import next_midnight, utc_now, years_after
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ExitCode, StoreError
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.s3 import store as store_module
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention.locked import delete, vault_in
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY

KEY = "signals/2026/11/signals_backup_20261101_020000.csv"
COMPLIANCE = LockPolicy(LockMode.COMPLIANCE, 7)
NOW = datetime(2028, 2, 29, 15, 30, 12, 345678, tzinfo=UTC)

instants = st.datetimes(datetime(1990, 1, 1), datetime(2190, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
years = st.integers(1, 30)


def put(store: S3ObjectStore, how: str, folder: Path) -> str:
    """Store the object in one of three ways; returns its version."""
    if how == "bytes":
        return store.put_bytes(KEY, b"x", "text/csv")
    file = folder / "file"
    file.write_bytes(b"x" * 10)
    return store.put_file(KEY, file, {}, "text/csv", digest=digest(file), replaces=None)


def store_for(connection: S3Connection, bucket: str, how: str, policy: LockPolicy | None) -> S3ObjectStore:
    threshold = 1 if how == "parts" else store_module.MULTIPART_THRESHOLD_BYTES
    client = s3_client(connection)
    return S3ObjectStore(client, bucket, lock=policy, clock=lambda: NOW, multipart_threshold_bytes=threshold)


@pytest.mark.parametrize("mode", LockMode)
@pytest.mark.parametrize("how", ["bytes", "file", "parts"])
def test_what_is_stored_is_locked_by_its_put_until_the_calendar_end(
    connection: S3Connection, locked_bucket: str, tmp_path: Path, how: str, mode: LockMode
) -> None:
    policy = LockPolicy(mode, 7)
    store = store_for(connection, locked_bucket, how, policy)
    asked: list[str] = []
    store._client.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    version = put(store, how, tmp_path)
    assert "PutObjectRetention" not in asked
    head = store._client.head_object(Bucket=locked_bucket, Key=KEY, VersionId=version)
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == (mode, datetime(2035, 3, 2, tzinfo=UTC))
    assert head["ObjectLockRetainUntilDate"] == policy.retain_until(NOW)
    with pytest.raises(ClientError, match="AccessDenied"):
        delete(BackupVault(store, Layout()), KEY, version)
    lock = store.lock_of(KEY, version)
    assert lock.holds_until(datetime(2035, 3, 2, tzinfo=UTC))
    assert not lock.holds_until(datetime(2035, 3, 2, 0, 0, 1, tzinfo=UTC))
    assert str(lock) == f"{mode.lower()} until 2035-03-02"


@pytest.mark.parametrize("how", ["bytes", "file", "parts"])
def test_without_a_policy_nothing_is_locked(
    connection: S3Connection, locked_bucket: str, tmp_path: Path, how: str
) -> None:
    store = store_for(connection, locked_bucket, how, None)
    version = put(store, how, tmp_path)
    assert str(store.lock_of(KEY, version)) == "none"
    delete(BackupVault(store, Layout()), KEY, version)
    assert store.list_versions("") == []


# Not in parts: this server takes those, and the manifest after them is refused.
@pytest.mark.parametrize("how", ["bytes", "file"])
def test_a_bucket_without_object_lock_is_refused_with_what_to_do(
    connection: S3Connection, bucket: str, tmp_path: Path, how: str
) -> None:
    store = store_for(connection, bucket, how, COMPLIANCE)
    with pytest.raises(StoreError, match="Object Lock") as raised:
        put(store, how, tmp_path)
    assert "signal-backups init --profile recommended" in raised.value.remedy
    assert KEY in raised.value.what
    assert (raised.value.transient, raised.value.exit_code) == (False, ExitCode.UNREACHABLE)
    assert store.list_versions("") == []


def test_a_whole_backup_is_locked_and_comes_back_when_it_is_deleted(
    connection: S3Connection, locked_bucket: str, three: DayRun, tmp_path: Path
) -> None:
    vault = vault_in(connection, locked_bucket, COMPLIANCE)
    before = utc_now()
    manifest = store_backup(vault, three.folder, BackupRun("run-1")).manifest
    stored = vault.store.list_versions("")
    # Backup and manifest, the entries of both logs, and what shows whether the store keeps writers apart.
    assert len(stored) == 5
    for version in stored:
        lock = vault.store.lock_of(version.key, version.version_id)
        assert lock.mode == "COMPLIANCE"
        assert lock.holds_until(COMPLIANCE.retain_until(before))
        with pytest.raises(ClientError, match="AccessDenied"):
            delete(vault, version.key, version.version_id)
        delete(vault, version.key)
    assert list(vault.store.list_current("")) == []
    undone = undelete(vault, DAY, None, tmp_path / "scratch")
    assert (undone.version_id, undone.copied_from) == (manifest.backup.version_id, None)
    assert vault.find(DAY).manifest == manifest
    (event,) = vault.store.list_versions(vault.trail.log.key_of(undone.event or 0))
    assert vault.store.lock_of(event.key, event.version_id).mode == "COMPLIANCE"


@given(instants, years)
def test_some_years_later_it_is_the_same_date_or_1_march(instant: datetime, count: int) -> None:
    later = years_after(instant, count)
    assert later.time() == instant.time()
    assert later.year == instant.year + count
    if (instant.month, instant.day) == (2, 29) and not isleap(later.year):
        assert (later.month, later.day) == (3, 1)
    else:
        assert (later.month, later.day) == (instant.month, instant.day)


@pytest.mark.parametrize(
    ("stored", "end"),
    [("2028-02-29T15:30", "2035-03-02"), ("2028-02-29T00:00", "2035-03-01"), ("2024-02-29T02:00", "2031-03-02"),
     ("2025-02-28T23:59", "2032-02-29"), ("2026-11-02T02:00", "2033-11-03"), ("2093-12-31T23:00", "2101-01-01")],
)  # fmt: skip
def test_known_ends_of_seven_years(stored: str, end: str) -> None:
    until = COMPLIANCE.retain_until(datetime.fromisoformat(f"{stored}+00:00"))
    assert until == datetime.fromisoformat(f"{end}T00:00+00:00")


@given(instants, instants, years)
def test_a_retention_is_never_short_and_less_than_a_day_long(first: datetime, second: datetime, count: int) -> None:
    policy = LockPolicy(LockMode.COMPLIANCE, count)
    end = policy.retain_until(first)
    assert end.timetz() == time(0, tzinfo=UTC)
    assert timedelta(0) <= end - years_after(first, count) < timedelta(days=1)
    # Who stores later keeps until later.
    assert (first <= second) <= (end <= policy.retain_until(second))


@given(instants)
def test_the_next_midnight_is_the_first_that_is_not_earlier(instant: datetime) -> None:
    midnight = next_midnight(instant)
    assert midnight.timetz() == time(0, tzinfo=UTC)
    assert timedelta(0) <= midnight - instant < timedelta(days=1)
    assert next_midnight(midnight) == midnight
