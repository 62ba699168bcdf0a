"""Counts of the events in the audit trail."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta

import pytest

from signal_backups.core.base.errors import ConflictError, ReadBackError, SourceError, StoreError, UnsupportedError
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.metrics.event_counts import TrailReader
from signal_backups.core.monitoring.metrics.measurements import DrillHistory
from signal_backups_tests.core.monitoring.metrics.measured import NOW, World, samples

DAY, OTHER_DAY = "2026-02-01", "2026-02-02"


def reader(world: World) -> TrailReader:
    return TrailReader(world.vault.trail.log)


def test_failures_are_counted_and_a_day_fails_until_it_succeeds(world: World) -> None:
    reading = reader(world)
    world.record(Action.VERIFICATION, "failed", day=DAY)
    world.record(Action.VERIFICATION, "failed", day=OTHER_DAY)
    world.record(Action.BACKUP, "failed", error_type="StoreError", day=OTHER_DAY)
    world.record(Action.RESTORE, "failed", day=DAY)
    found = reading.read()
    assert (found.verification_failures, found.failing_verification_days) == (2, 2)
    assert (found.upload_errors, found.failing_backup_days) == (1, 1)
    world.record(Action.VERIFICATION, "passed", day=DAY)
    # Storing a backup reads it back and verifies it.
    world.record(Action.BACKUP, "unchanged", day=OTHER_DAY)
    for found in (reading.read(), reader(world).read()):
        assert (found.verification_failures, found.failing_verification_days) == (2, 0)
        assert (found.upload_errors, found.failing_backup_days) == (1, 0)


def test_a_late_event_from_an_outbox_does_not_replace_a_newer_one(world: World) -> None:
    world.record(Action.BACKUP, "stored", at=NOW, day=DAY, seconds=1.0)
    world.record(Action.BACKUP, "failed", at=NOW - timedelta(hours=1), day=DAY, error_type="StoreError")
    found = reader(world).read()
    assert (found.upload_errors, found.failing_backup_days) == (1, 0)


def test_durations_of_stored_backups_are_counted_in_buckets_that_include_their_bounds(world: World) -> None:
    for result, seconds in (("stored", 1.0), ("stored", 1.1), ("unchanged", 9.0), ("stored", 4000.0)):
        world.record(Action.BACKUP, result, day=DAY, seconds=seconds)
    found = reader(world).read()
    assert found.durations == (1, 1, 0, 0, 0, 0, 0, 0, 1)
    assert found.duration_sum == 4002.1


def test_the_last_drill_and_the_last_passed_drill_are_kept(world: World) -> None:
    assert reader(world).read().drills == DrillHistory()
    world.record(Action.DRILL, "passed", at=NOW, rto_seconds=60.0)
    # An aborted drill has no forecast.
    world.record(Action.DRILL, "failed", at=NOW + timedelta(days=7), error="no database")
    assert reader(world).read().drills == DrillHistory(NOW + timedelta(days=7), False, NOW, 60.0)


@pytest.mark.parametrize("wrong", ["soon", None, [], math.nan, math.inf, -1.0, 10**400])
def test_invalid_figures_are_ignored(world: World, wrong: object) -> None:
    world.record(Action.DRILL, "passed", at=NOW, rto_seconds=60.0)
    world.record(Action.DRILL, "passed", at=NOW + timedelta(days=7), rto_seconds=wrong)
    world.record(Action.BACKUP, "stored", day=DAY, seconds=wrong)
    exporter = world.exporter()
    exporter.refresh()
    shown = samples(exporter)
    assert shown["signal_backups_rto_forecast_seconds"] == 60
    assert shown["signal_backups_last_drill_timestamp_seconds"] == (NOW + timedelta(days=7)).timestamp()
    assert shown["signal_backups_backup_duration_seconds_count"] == 0


@pytest.mark.parametrize(
    ("error", "count"),
    [(StoreError, 1), (ConflictError, 1), (UnsupportedError, 1), (SourceError, 0), (ReadBackError, 0), (KeyError, 0)],
)
def test_upload_errors_are_those_of_the_store(world: World, error: type[Exception], count: int) -> None:
    with pytest.raises(error), world.vault.trail.recording_failure(Action.BACKUP, {"day": DAY}):
        raise error("it failed")
    found = reader(world).read()
    assert (found.upload_errors, found.failing_backup_days) == (count, 1)


def test_only_new_events_are_read_also_in_a_new_folder(world: World) -> None:
    reading = reader(world)
    world.put_event(998, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    world.put_event(999, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    assert reading.read().upload_errors == 2
    world.put_event(1000, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    with world.requests() as sent:
        assert reading.read().upload_errors == 3
    assert sent == Counter({"ListObjectVersions": 2, "GetObject": 1})
    world.put_event(1001, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    with world.requests() as sent:
        assert reading.read().upload_errors == 4
    assert sent == Counter({"ListObjectVersions": 2, "GetObject": 1})
    assert reader(world).read() == reading.read()


def test_the_last_event_of_a_folder_is_read_before_the_next_folder(world: World) -> None:
    reading = reader(world)
    world.put_event(998, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    reading.read()
    world.put_event(999, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    world.put_event(1000, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    assert reading.read().upload_errors == 3


def test_only_the_first_version_of_an_event_counts(world: World) -> None:
    world.put_event(1, Action.VERIFICATION, "failed", day=DAY)
    world.clock.advance(timedelta(seconds=1))
    world.put_event(1, Action.VERIFICATION, "passed", day=DAY)
    world.clock.advance(timedelta(seconds=1))
    world.s3.client().delete_object(Bucket="bucket", Key=world.vault.trail.log.key_of(1))
    found = reader(world).read()
    assert (found.verification_failures, found.failing_verification_days) == (1, 1)


def test_an_expired_delete_marker_is_not_an_event(world: World) -> None:
    world.s3.client().delete_object(Bucket="bucket", Key=world.vault.trail.log.key_of(1))
    world.put_event(2, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    assert reader(world).read().upload_errors == 1


def test_an_unreadable_event_is_skipped(world: World) -> None:
    world.vault.store.put_bytes(world.vault.trail.log.key_of(1), b"{", "application/json")
    world.put_event(2, Action.BACKUP, "failed", error_type="StoreError", day=DAY)
    assert reader(world).read().upload_errors == 1
