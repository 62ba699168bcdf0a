"""Measurements of days, storage and locks, and the requests that they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import StoreError
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.metrics.exporter import Exporter
from signal_backups.core.monitoring.metrics.measure import Criteria, Measurer
from signal_backups.core.monitoring.metrics.measurements import Measurements
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.monitoring.metrics.measured import World, samples

#: Requests of a refresh when nothing changed: backups, manifests, the trail's folders, the newest of them; the clock.
IDLE = Counter({"ListObjectVersions": 7, "HeadBucket": 1})
#: Additional requests for the storage: backups, manifests, quarantine, and the four prefixes of evidence.
STORAGE = Counter({"ListObjectVersions": 7})


def states(found: Measurements) -> Counter[DayState]:
    return Counter(found.observation.days.values())


def test_everything_is_read_once_and_then_only_listed(world: World) -> None:
    world.put_days(101)
    world.record(Action.VERIFICATION, "passed", day="2026-01-01")
    measurer = world.measurer()
    with world.requests() as first:
        found = measurer.measure()
    assert first == IDLE + STORAGE + Counter({"GetObject": 101 + 1})
    assert states(found) == {DayState.VERIFIED: 101}
    with world.requests() as second:
        measurer.measure()
    assert second == IDLE


def test_only_new_objects_are_read(world: World) -> None:
    world.put_day(world.ago(2))
    world.put_day(world.ago(1))
    measurer = world.measurer()
    measurer.measure()
    with world.requests() as idle:
        measurer.measure()
    assert idle == IDLE
    world.put_day(world.newest, records=7, quarantined=3)
    with world.requests() as sent:
        found = measurer.measure()
    # Its manifest and its event.
    assert sent == IDLE + Counter({"GetObject": 2})
    assert found.last_backup is not None
    assert (found.last_backup.day, found.last_backup.records, found.quarantined_rows) == (world.newest, 7, 3)


def test_a_new_process_shows_the_same_values(world: World) -> None:
    world.put_day(world.ago(3), quarantined=2)
    world.put_day(world.ago(1))
    world.record(Action.BACKUP, "failed", day=str(world.newest))
    world.record(Action.VERIFICATION, "failed", day=str(world.ago(3)))
    world.record(Action.DRILL, "passed", rto_seconds=12.5)
    old = world.exporter(quota_gb=1)
    old.refresh()
    world.put_day(world.ago(2))
    world.record(Action.BACKUP, "stored", day=str(world.ago(2)), seconds=2.0)
    world.clock.advance(timedelta(hours=2))
    old.refresh()
    new = world.exporter(quota_gb=1)
    new.refresh()
    before, after = samples(old), samples(new)
    differing = {name.partition("{")[0] for name in before if before[name] != after.get(name)}
    assert differing == {"signal_backups_refresh_duration_seconds", "signal_backups_s3_requests_total"}


def test_days_are_counted_by_their_state(world: World) -> None:
    start = world.ago(5)
    for number in (5, 4, 3):
        world.put_day(world.ago(number))
    hidden = world.vault.layout.backup_key(BackupSlot(world.ago(4)))
    world.s3.client().delete_object(Bucket="bucket", Key=hidden)
    unverified = world.vault.layout.backup_key(BackupSlot(world.ago(3)))
    world.clock.advance(timedelta(seconds=1))
    world.vault.store.put_bytes(unverified, b"other", "text/csv")
    found = world.measurer(start).measure()
    assert states(found) == {DayState.VERIFIED: 1, DayState.UNVERIFIED: 1, DayState.MISSING: 3, DayState.HIDDEN: 1}
    assert found.observation.in_state(DayState.HIDDEN) == [world.ago(4)]
    assert found.last_backup is not None
    assert found.last_backup.day == start
    assert found.first_backup_at == found.last_backup.finished_at


def test_an_empty_bucket_can_be_measured(world: World) -> None:
    found = world.measurer().measure()
    assert (found.last_backup, found.first_backup_at, found.quarantined_rows) == (None, None, 0)
    assert found.storage.bill.groups == ()


def test_an_unreadable_manifest_leaves_its_day_unverified(world: World) -> None:
    world.put_day(world.ago(1))
    world.put_day(world.newest)
    key = world.vault.layout.manifest_key(BackupSlot(world.newest))
    world.vault.store.put_bytes(key, b"no manifest", "application/json")
    measurer = world.measurer()
    for _ in range(2):
        found = measurer.measure()
        assert states(found) == {DayState.VERIFIED: 1, DayState.UNVERIFIED: 1}


def test_hidden_objects_are_not_read(tmp_path: Path) -> None:
    world = World(tmp_path, "recommended")
    layout = world.vault.layout
    for number, key_of in ((1, layout.backup_key), (0, layout.manifest_key)):
        world.put_day(world.ago(number))
        world.clock.advance(timedelta(seconds=1))
        world.s3.client().delete_object(Bucket="bucket", Key=key_of(BackupSlot(world.ago(number))))
    with world.requests() as sent:
        found = world.measurer().measure()
    assert states(found) == {DayState.HIDDEN: 1, DayState.UNVERIFIED: 1}
    # Two of the four current versions are delete markers; GetObject reads the two events and the two log entries.
    assert (sent["GetObject"], sent["HeadObject"], found.unlocked) == (2 + 2, 1, 0)


def test_the_storage_is_listed_once_an_hour(world: World) -> None:
    world.put_day(world.newest)
    measurer = world.measurer(quota_gb=0.5)
    before = measurer.measure().storage
    assert before.quota is not None
    assert before.quota.share == sum(group.stored.bytes for group in before.bill.groups) / 2**29
    world.put_day(world.ago(1))
    world.clock.advance(timedelta(minutes=59, seconds=59))
    assert measurer.measure().storage is before
    world.clock.advance(timedelta(seconds=1))
    with world.requests() as sent:
        after = measurer.measure().storage
    assert sent == IDLE + STORAGE
    assert sum(group.stored.objects for group in after.bill.groups) > 2


def test_locks_are_read_once_and_again_after_a_day(tmp_path: Path) -> None:
    world = World(tmp_path, "recommended")
    world.put_day(world.ago(1))
    store = world.vault.store
    store.lock = None
    world.put_day(world.newest)
    measurer = world.measurer()
    with world.requests() as first:
        assert measurer.measure().unlocked == 1
    assert first["HeadObject"] == 2
    key = world.vault.layout.backup_key(BackupSlot(world.newest))
    current = store.list_versions(key)[0]
    assert world.profile.lock_policy is not None
    until = world.profile.lock_policy.retain_until(current.last_modified)
    store.set_retention(key, current.version_id, LockMode.COMPLIANCE, until)
    world.clock.advance(timedelta(hours=23, minutes=59))
    with world.requests() as later:
        assert measurer.measure().unlocked == 1
    assert later["HeadObject"] == 0
    world.clock.advance(timedelta(minutes=1))
    assert measurer.measure().unlocked == 0


def test_a_lock_that_is_too_weak_or_too_short_counts_as_unlocked(tmp_path: Path) -> None:
    world = World(tmp_path, "recommended")
    world.vault.store.lock = None
    stored = [world.put_day(world.ago(number)) for number in range(3)]
    assert world.profile.lock_policy is not None
    enough = world.profile.lock_policy.retain_until(world.clock())
    weak, short, fine = stored
    for file, mode, until in (
        (weak, LockMode.GOVERNANCE, enough),
        (short, LockMode.COMPLIANCE, enough - timedelta(days=2)),
        (fine, LockMode.COMPLIANCE, enough),
    ):
        world.vault.store.set_retention(file.key, file.version_id, mode, until)
    assert world.measurer().measure().unlocked == 2


def test_without_a_lock_in_the_profile_no_lock_is_read(world: World) -> None:
    world.put_day(world.newest)
    with world.requests() as sent:
        assert world.measurer().measure().unlocked is None
    assert sent["HeadObject"] == 0


def test_the_stores_clock_is_compared_with_ours(server_store: S3ObjectStore) -> None:
    criteria = Criteria(None, load_profile("documented"), load_prices("us-east-1"))
    measurer = Measurer(BackupVault(server_store, Layout()), criteria, lambda: utc_now() + timedelta(hours=1))
    measurer.measure()
    assert measurer.clock_skew_seconds is not None
    assert round(measurer.clock_skew_seconds / 600) == 6


def test_the_stores_clock_is_shown_when_it_refuses_everything(connection: S3Connection, bucket: str) -> None:
    stranger = s3_client(replace(connection, secret_access_key="wrong", max_attempts=1))
    refused = BackupVault(S3ObjectStore(stranger, bucket), Layout())
    criteria = Criteria(None, load_profile("documented"), load_prices("us-east-1"))
    exporter = Exporter(Measurer(refused, criteria, lambda: utc_now() + timedelta(minutes=20)), refused.store)
    with pytest.raises(StoreError):
        exporter.refresh()
    shown = samples(exporter)
    assert shown["signal_backups_up"] == 0
    assert round(shown["signal_backups_clock_skew_seconds"] / 60) == 20
