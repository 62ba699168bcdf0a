"""Which days failed their last verification according to the events, and reading on when events are missing."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import ArchivedError, NotFoundError, StoreError, VerificationError
from signal_backups.core.ledger.chained_log import LAST_NUMBER
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring import new_events
from signal_backups.core.monitoring.metrics.event_counts import TrailReader
from signal_backups.core.monitoring.new_events import events_after, failed_verifications
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND = FIRST + ONE_DAY
LATER = timedelta(hours=3)


@pytest.fixture
def with_failure(watched: Watched) -> Watched:
    """A backed-up day whose verification failed, and the day after it."""
    watched.put(FIRST, SECOND)
    watched.clock.advance(LATER)
    record(watched, Action.VERIFICATION, "failed", problems=["row 1"])
    return watched


def record(watched: Watched, action: Action, result: str, day: date = FIRST, **details: object) -> None:
    watched.clock.advance(timedelta(seconds=1))
    watched.vault.trail.record(action, result, details={"day": day.isoformat(), **details})


def destroy(watched: Watched, key: str) -> None:
    for version in watched.vault.store.list_versions(key):
        watched.vault.store._client.delete_object(Bucket="bucket", Key=key, VersionId=version.version_id)


def failing(watched: Watched) -> list[date]:
    """Return the days that failed their last verification, on which alerts, status and metrics must agree."""
    alerted = list(failed_verifications({}, events_after(watched.vault.trail, 0)[0]))
    status = backup_status(watched.vault, FIRST, watched.clock).failing_days
    counted = TrailReader(watched.vault.trail.log).read().failing_verification_days
    assert (status, counted) == (alerted, len(alerted))
    return status


@pytest.mark.parametrize(
    ("action", "result", "is_good"),
    [
        (Action.VERIFICATION, "passed", True),
        (Action.BACKUP, "stored", True),
        (Action.BACKUP, "unchanged", True),
        (Action.BACKUP, "failed", False),
        (Action.UNDELETE, "copied up", True),
        (Action.UNDELETE, "markers removed", False),
        (Action.RESTORE, "passed", False),
    ],
)
def test_a_successful_read_back_ends_a_failure(
    with_failure: Watched, action: Action, result: str, is_good: bool
) -> None:
    record(with_failure, action, result)
    assert failing(with_failure) == ([] if is_good else [FIRST])


def test_an_event_of_another_day_does_not_end_a_failure(with_failure: Watched) -> None:
    record(with_failure, Action.VERIFICATION, "passed", SECOND)
    with_failure.vault.trail.record(Action.VERIFICATION, "passed", details={"day": "soon"})
    assert failing(with_failure) == [FIRST]


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        (NotFoundError("gone"), True),
        (VerificationError("changed on the way"), True),
        (StoreError("no answer"), False),
        (ArchivedError("archived"), False),
        (OSError("disk full"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_errors_that_show_damage_count_as_failures(watched: Watched, error: Exception, is_damage: bool) -> None:
    watched.put(FIRST)
    watched.clock.advance(LATER)
    with pytest.raises(type(error)), watched.vault.trail.recording_failure(Action.VERIFICATION, {"day": str(FIRST)}):
        raise error
    assert failing(watched) == ([FIRST] if is_damage else [])
    assert TrailReader(watched.vault.trail.log).read().verification_failures == int(is_damage)
    assert len(backup_status(watched.vault, FIRST, watched.clock).failures) == 1


def test_an_unreachable_store_does_not_end_a_failure(with_failure: Watched) -> None:
    record(with_failure, Action.VERIFICATION, "failed", error="no answer", error_type="StoreError")
    assert failing(with_failure) == [FIRST]


def test_a_late_event_from_an_outbox_does_not_replace_a_newer_one(with_failure: Watched) -> None:
    late = with_failure.clock() - timedelta(minutes=1)
    with_failure.vault.trail.record(Action.VERIFICATION, "passed", details={"day": str(FIRST)}, at=late)
    assert failing(with_failure) == [FIRST]
    record(with_failure, Action.BACKUP, "stored")
    with_failure.vault.trail.record(Action.VERIFICATION, "failed", details={"day": str(FIRST)}, at=late)
    assert failing(with_failure) == []


def test_the_time_of_the_first_failure_in_a_row_is_kept(with_failure: Watched) -> None:
    failed_at = with_failure.clock()
    first, number = events_after(with_failure.vault.trail, None)
    record(with_failure, Action.VERIFICATION, "failed")
    more, _ = events_after(with_failure.vault.trail, number)
    assert failed_verifications(failed_verifications({}, first), more) == {FIRST: failed_at}
    assert failed_verifications({}, [*first, *more]) == {FIRST: failed_at}


def test_of_too_many_failing_days_the_newest_are_kept(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_events, "MAX_FAILED_DAYS", 2)
    days = [FIRST + number * ONE_DAY for number in (2, 0, 1)]
    for day in days:
        record(watched, Action.VERIFICATION, "failed", day)
    assert list(failed_verifications({}, events_after(watched.vault.trail, 0)[0])) == [SECOND, SECOND + ONE_DAY]


def test_events_are_read_in_batches(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_events, "MAX_EVENTS", 2)
    trail = watched.vault.trail
    assert events_after(trail, None) == ([], 0)
    for _ in range(5):
        record(watched, Action.BACKUP, "stored")
    read = [events_after(trail, number) for number in (0, 2, 4, 5, None)]
    assert [([event.number for event in found], number) for found, number in read] == [
        ([1, 2], 2),
        ([3, 4], 4),
        ([5], 5),
        ([], 5),
        ([4, 5], 5),
    ]


def test_removed_and_unreadable_events_do_not_hide_those_after_them(watched: Watched) -> None:
    trail = watched.vault.trail
    for _ in range(5):
        record(watched, Action.BACKUP, "stored")
    destroy(watched, trail.log.key_of(2))
    watched.hide(trail.log.key_of(4))
    trail.log.store.put_bytes(trail.log.key_of(6), b"{", "application/json")
    found, number = events_after(trail, 1)
    assert ([event.number for event in found], number) == ([3, 4, 5], 6)
    assert [event.number for event in events_after(trail, None)[0]] == [1, 3, 4, 5]


def test_a_removed_event_with_a_high_number_does_not_hide_later_events(watched: Watched) -> None:
    log = watched.vault.trail.log
    record(watched, Action.BACKUP, "stored")
    log.store.put_bytes(log.key_of(LAST_NUMBER), b"{", "application/json")
    _, number = events_after(watched.vault.trail, 1)
    assert number == LAST_NUMBER
    destroy(watched, log.key_of(LAST_NUMBER))
    record(watched, Action.BACKUP, "stored")
    found, number = events_after(watched.vault.trail, number)
    assert ([event.number for event in found], number) == ([1, 2], 2)


def test_reading_on_takes_two_listings_and_the_new_events(watched: Watched) -> None:
    for _ in range(3):
        record(watched, Action.BACKUP, "stored")
    before = watched.s3.requests.copy()
    events_after(watched.vault.trail, 2)
    assert watched.s3.requests - before == Counter(ListObjectVersions=2, GetObject=1)
