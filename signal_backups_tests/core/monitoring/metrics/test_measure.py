"""What is measured of days, stock and locks, and what that takes."""

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
from signal_backups.core.monitoring.metrics.measure import Criteria, Measuring
from signal_backups.core.monitoring.metrics.measurements import Measurements
from signal_backups.core.monitoring.observation import DayState
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.monitoring.metrics.measured import World, samples

#: What a refresh asks when nothing changed: backups and manifests, a page for each thousand; the trail's folders and
#: the newest one of them; the clock.
IDLE = Counter({"ListObjectVersions": 4, "HeadBucket": 1})
#: What the stock takes besides: backups, manifests, quarantine, and the four prefixes of evidence.
STOCK = Counter({"ListObjectVersions": 7})


def states(found: Measurements) -> Counter[DayState]:
    return Counter(found.observation.days.values())


def test_everything_is_read_once_and_then_only_listed(world: World) -> None:
    world.put_days(101)
    world.tell(Action.VERIFICATION, "passed", day="2026-01-01")
    measuring = world.measuring()
    with world.requests() as first:
        found = measuring.measure()
    assert first == IDLE + STOCK + Counter({"GetObject": 101 + 1})
    assert states(found) == {DayState.VERIFIED: 101}
    with world.requests() as second:
        measuring.measure()
    assert second == IDLE


def test_what_is_new_is_read_and_nothing_else(world: World) -> None:
    world.put_day(world.ago(2))
    world.put_day(world.ago(1))
    measuring = world.measuring()
    measuring.measure()
    with world.requests() as idle:
        measuring.measure()
    assert idle == IDLE
    world.put_day(world.newest, records=7, quarantined=3)
    with world.requests() as sent:
        found = measuring.measure()
    # Its manifest and its event.
    assert sent == IDLE + Counter({"GetObject": 2})
    assert found.last_backup is not None
    assert (found.last_backup.day, found.last_backup.records, found.quarantined_rows) == (world.newest, 7, 3)


def test_a_new_process_shows_the_same_figures(world: World) -> None:
    world.put_day(world.ago(3), quarantined=2)
    world.put_day(world.ago(1))
    world.tell(Action.BACKUP, "failed", day=str(world.newest))
    world.tell(Action.VERIFICATION, "failed", day=str(world.ago(3)))
    world.tell(Action.DRILL, "passed", rto_seconds=12.5)
    old = world.exporter(quota_gb=1)
    old.refresh()
    world.put_day(world.ago(2))
    world.tell(Action.BACKUP, "stored", day=str(world.ago(2)), seconds=2.0)
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
    found = world.measuring(start).measure()
    assert states(found) == {DayState.VERIFIED: 1, DayState.UNVERIFIED: 1, DayState.MISSING: 4}
    assert found.observation.hidden == [world.ago(4)]
    assert found.last_backup is not None
    assert found.last_backup.day == start
    assert found.first_backup_at == found.last_backup.finished_at


def test_nothing_stored_is_measured_as_such(world: World) -> None:
    found = world.measuring().measure()
    assert (found.last_backup, found.first_backup_at, found.quarantined_rows) == (None, None, 0)
    assert found.stock.bill.groups == ()


def test_a_manifest_that_cannot_be_read_stops_nothing_and_vouches_for_nothing(world: World) -> None:
    world.put_day(world.ago(1))
    world.put_day(world.newest)
    key = world.vault.layout.manifest_key(BackupSlot(world.newest))
    world.vault.store.put_bytes(key, b"no manifest", "application/json")
    measuring = world.measuring()
    for _ in range(2):
        found = measuring.measure()
        assert states(found) == {DayState.VERIFIED: 1, DayState.UNVERIFIED: 1}


def test_what_a_delete_marker_hides_is_not_read(tmp_path: Path) -> None:
    world = World(tmp_path, "recommended")
    layout = world.vault.layout
    for number, key_of in ((1, layout.backup_key), (0, layout.manifest_key)):
        world.put_day(world.ago(number))
        world.clock.advance(timedelta(seconds=1))
        world.s3.client().delete_object(Bucket="bucket", Key=key_of(BackupSlot(world.ago(number))))
    with world.requests() as sent:
        found = world.measuring().measure()
    assert states(found) == {DayState.MISSING: 1, DayState.UNVERIFIED: 1}
    # Of four objects' current versions two are delete markers; two events tell of the backups.
    assert (sent["GetObject"], sent["HeadObject"], found.unlocked) == (1 + 2, 1, 0)


def test_the_stock_is_listed_by_the_hour(world: World) -> None:
    world.put_day(world.newest)
    measuring = world.measuring(quota_gb=0.5)
    before = measuring.measure().stock
    assert before.quota is not None
    assert before.quota.share == sum(group.stored.bytes for group in before.bill.groups) / 2**29
    world.put_day(world.ago(1))
    world.clock.advance(timedelta(minutes=59, seconds=59))
    assert measuring.measure().stock is before
    world.clock.advance(timedelta(seconds=1))
    with world.requests() as sent:
        after = measuring.measure().stock
    assert sent == IDLE + STOCK
    assert sum(group.stored.objects for group in after.bill.groups) > 2


def test_locks_are_looked_at_once_and_again_after_a_day(tmp_path: Path) -> None:
    world = World(tmp_path, "recommended")
    world.put_day(world.ago(1))
    store = world.vault.store
    store.lock = None
    world.put_day(world.newest)
    measuring = world.measuring()
    with world.requests() as first:
        assert measuring.measure().unlocked == 1
    assert first["HeadObject"] == 2
    key = world.vault.layout.backup_key(BackupSlot(world.newest))
    current = store.list_versions(key)[0]
    assert world.profile.lock_policy is not None
    until = world.profile.lock_policy.retain_until(current.last_modified)
    store.set_retention(key, current.version_id, LockMode.COMPLIANCE, until)
    world.clock.advance(timedelta(hours=23, minutes=59))
    with world.requests() as later:
        assert measuring.measure().unlocked == 1
    assert later["HeadObject"] == 0
    world.clock.advance(timedelta(minutes=1))
    assert measuring.measure().unlocked == 0


def test_a_lock_that_is_too_weak_or_too_short_is_none(tmp_path: Path) -> None:
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
    assert world.measuring().measure().unlocked == 2


def test_a_profile_without_locks_asks_for_none(world: World) -> None:
    world.put_day(world.newest)
    with world.requests() as sent:
        assert world.measuring().measure().unlocked is None
    assert sent["HeadObject"] == 0


def test_the_stores_clock_is_compared_with_ours(server_store: S3ObjectStore) -> None:
    terms = Criteria(None, load_profile("documented"), load_prices("us-east-1"))
    measuring = Measuring(BackupVault(server_store, Layout()), terms, lambda: utc_now() + timedelta(hours=1))
    measuring.measure()
    assert measuring.clock_skew_seconds is not None
    assert round(measuring.clock_skew_seconds / 600) == 6


def test_the_stores_clock_is_shown_when_it_refuses_everything(connection: S3Connection, bucket: str) -> None:
    stranger = s3_client(replace(connection, secret_access_key="wrong", max_attempts=1))
    refused = BackupVault(S3ObjectStore(stranger, bucket), Layout())
    terms = Criteria(None, load_profile("documented"), load_prices("us-east-1"))
    exporter = Exporter(Measuring(refused, terms, lambda: utc_now() + timedelta(minutes=20)), refused.store)
    with pytest.raises(StoreError):
        exporter.refresh()
    shown = samples(exporter)
    assert shown["signal_backups_up"] == 0
    assert round(shown["signal_backups_clock_skew_seconds"] / 60) == 20
