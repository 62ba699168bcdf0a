"""A night reads what was read longest ago, says what is wrong with it, and leaves events that status understands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.errors import ArchivedError, StoreError
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.scrub import night as night_module
from signal_backups.core.scrub.night import ScrubReport
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.restore.backups import rows_of
from signal_backups_tests.core.scrub.stored import FIRST, Stored, flip
from signal_backups_tests.samples.signals import signal

SECOND, THIRD = FIRST + ONE_DAY, FIRST + 2 * ONE_DAY
ALL_AT_ONCE = timedelta(days=1)


@pytest.fixture
def stored(tmp_path: Path) -> Stored:
    """Three days; the second has a row in quarantine."""
    found = Stored(tmp_path)
    found.put(FIRST)
    bad = signal(50, timestamp=f"{SECOND}T05:00:00Z") | {"confidence": 900}
    found.put(SECOND, rows=[*rows_of(SECOND, 3), bad])
    found.put(THIRD)
    return found


def days(report: ScrubReport) -> list[date]:
    return [date.fromisoformat(found.day) for found in report.read]


def failing(stored: Stored) -> list[date]:
    return backup_status(stored.vault, None, stored.clock).failing_days


def problems(report: ScrubReport) -> dict[date, str]:
    return {date.fromisoformat(day): why for day, why in report.failed.items()}


def test_each_night_reads_what_was_read_longest_ago(stored: Stored) -> None:
    assert [days(stored.night()) for _ in range(4)] == [[FIRST], [SECOND], [THIRD], [FIRST]]


def test_a_night_says_which_day_is_unread_for_longest_now(stored: Stored) -> None:
    made = stored.clock() - ONE_DAY
    report = stored.night()
    assert report.oldest is not None
    assert (report.days, report.oldest.day, report.oldest.at) == (3, SECOND, made)


def test_a_day_that_somebody_verified_or_backed_up_is_read_later(stored: Stored) -> None:
    stored.clock.advance(ONE_DAY)
    stored.vault.trail.record(Action.VERIFICATION, "passed", details={"day": str(FIRST)})
    stored.vault.trail.record(Action.BACKUP, "unchanged", details={"day": str(SECOND)})
    assert days(stored.night()) == [THIRD]


def test_days_that_pass_are_one_event_together(stored: Stored) -> None:
    stored.night(ALL_AT_ONCE)
    (event,) = recorded_events(stored.vault, Action.VERIFICATION)
    assert event.result == "passed"
    assert event.details["days"] == [str(FIRST), str(SECOND), str(THIRD)]
    assert event.details["oldest_unread"] == {"day": str(FIRST), "read_at": stored.clock().isoformat()}
    assert {key for key, _ in objects(event)} == {stored.backup(day).key for day in (FIRST, SECOND, THIRD)}


def test_a_byte_that_went_bad_is_a_failed_verification_until_it_is_right(stored: Stored) -> None:
    flip(stored.backup(SECOND))
    report = stored.night(ALL_AT_ONCE)
    assert list(problems(report)) == [SECOND]
    failed, passed = recorded_events(stored.vault, Action.VERIFICATION)
    assert (failed.result, failed.details["day"]) == ("failed", str(SECOND))
    assert (passed.result, passed.details["days"]) == ("passed", [str(FIRST), str(THIRD)])
    assert failing(stored) == [SECOND]
    flip(stored.backup(SECOND))
    stored.night(ALL_AT_ONCE)
    assert failing(stored) == []


def test_the_quarantine_is_read_too(stored: Stored) -> None:
    flip(stored.quarantine(SECOND))
    assert list(problems(stored.night(ALL_AT_ONCE))) == [SECOND]
    assert failing(stored) == [SECOND]


def test_the_manifest_is_read_too(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored.vault, "readable_manifest", lambda _: None)
    assert set(problems(stored.night(ALL_AT_ONCE))) == {FIRST, SECOND, THIRD}


def test_a_manifest_that_went_bad_vouches_for_nothing(stored: Stored) -> None:
    flip(stored.manifest(THIRD))
    stored.clock.advance(ONE_DAY)
    assert backup_status(stored.vault, None, stored.clock).in_state(DayState.UNVERIFIED) == [THIRD]


def archive(stored: Stored, day: date) -> None:
    stored.backup(day).storage_class = "GLACIER"


def test_archived_days_are_compared_by_the_checksum_that_the_store_keeps(stored: Stored) -> None:
    archive(stored, FIRST)
    archive(stored, SECOND)
    stored.quarantine(SECOND).storage_class = "GLACIER"
    before = stored.s3.requests.copy()
    report = stored.night(ALL_AT_ONCE)
    assert report.failed == {}
    assert report.by_checksum == [str(FIRST), str(SECOND)]
    assert (stored.s3.requests - before)["RestoreObject"] == 0
    (event,) = [each for each in recorded_events(stored.vault, Action.VERIFICATION) if each.result == "passed"]
    assert event.details["by_checksum"] == [str(FIRST), str(SECOND)]


def test_an_archived_day_with_another_checksum_fails(stored: Stored) -> None:
    archive(stored, FIRST)
    stored.backup(FIRST).checksums = stored.backup(THIRD).checksums
    assert "the SHA-256 that the store keeps is" in problems(stored.night(ALL_AT_ONCE))[FIRST]
    assert failing(stored) == [FIRST]


@pytest.mark.parametrize("kept", [{}, {"sha256": "kRVsLfqmFbVT2LwBxTh3eTYmuJRC4mZ9KtK1IVPTpEw=-2"}])
def test_an_archived_day_without_a_checksum_of_the_whole_is_not_called_read(
    stored: Stored, kept: dict[str, str]
) -> None:
    archive(stored, FIRST)
    stored.backup(FIRST).checksums = kept
    report = stored.night(ALL_AT_ONCE)
    ((day, error),) = [(each.day, each.error) for each in report.not_read]
    assert (day, type(error)) == (FIRST, ArchivedError)
    assert report.oldest is not None
    assert report.oldest.day == FIRST
    assert failing(stored) == []


def test_an_archived_day_that_only_a_thaw_can_read_takes_no_time_and_stays_unread(stored: Stored) -> None:
    archive(stored, FIRST)
    stored.backup(FIRST).etag = '"00112233445566778899aabbccddeeff-2"'
    report = stored.night()
    assert (days(report), report.errors) == ([SECOND], [])
    assert report.oldest is not None
    assert report.oldest.day == FIRST


@contextmanager
def refused(stored: Stored, *days: date) -> Iterator[None]:
    """Within it, the store answers every download of these days' backups with an error."""
    keys = {stored.vault.layout.backup_key(BackupSlot(day)) for day in days}
    read = stored.vault.store.get_file

    def refuse(key: str, version_id: str, target: Path) -> None:
        if key in keys:
            raise StoreError("the disk is bad")
        read(key, version_id, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored.vault.store, "get_file", refuse)
        yield


def not_read(report: ScrubReport) -> list[date]:
    return [each.day for each in report.not_read]


def test_a_day_that_cannot_be_read_stops_no_other_and_is_the_last_of_the_next_night(stored: Stored) -> None:
    with refused(stored, FIRST):
        report = stored.night(ALL_AT_ONCE)
    assert (not_read(report), days(report)) == ([FIRST], [SECOND, THIRD])
    assert report.oldest is not None
    assert report.oldest.day == FIRST
    assert days(stored.night()) == [SECOND, FIRST]
    assert days(stored.night()) == [THIRD]


def test_a_day_that_cannot_be_read_is_named_and_is_no_failed_verification(stored: Stored) -> None:
    with refused(stored, FIRST):
        stored.night()
    event = recorded_events(stored.vault, Action.VERIFICATION)[-1]
    assert (event.details["days"], event.details["not_read"]) == ([str(SECOND)], [str(FIRST)])
    assert failing(stored) == []


def test_a_day_that_is_always_refused_leaves_the_nights_to_the_others(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    all_days = [FIRST + number * ONE_DAY for number in range(12)]
    stored.put(*all_days)
    with refused(stored, FIRST):
        nights = [stored.night(timedelta(days=5)) for _ in range(4)]
    assert {day for night in nights for day in days(night)} == set(all_days[1:])
    assert all(not_read(night) == [FIRST] for night in nights)


def test_several_refused_days_leave_the_nights_to_the_others(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night_module, "ERRORS_IN_A_ROW", 2)
    with refused(stored, FIRST, SECOND):
        first, second = stored.night(), stored.night()
    assert (not_read(first), days(first), first.ended_early) == ([FIRST, SECOND], [THIRD], False)
    assert (not_read(second), days(second), second.waiting) == ([FIRST, SECOND], [THIRD], [])


def test_more_refused_days_than_a_night_tries_again_take_turns(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused(stored, FIRST, SECOND):
        stored.night()
        monkeypatch.setattr(night_module, "ERRORS_IN_A_ROW", 1)
        second, third = stored.night(), stored.night()
    assert [(not_read(each), each.waiting) for each in (second, third)] == [([FIRST], [SECOND]), ([SECOND], [FIRST])]


def test_a_night_tries_a_bounded_number_of_days_in_vain(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night_module, "MOST_ERRORS", 1)
    with refused(stored, FIRST, SECOND):
        nights = [stored.night(), stored.night(), stored.night()]
    assert [(not_read(night), days(night)) for night in nights[:2]] == [([FIRST], []), ([SECOND], [])]
    assert days(nights[2]) == [THIRD]


def test_a_store_that_answers_nothing_ends_the_night_soon(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night_module, "ERRORS_IN_A_ROW", 1)
    with refused(stored, FIRST, SECOND, THIRD):
        report = stored.night(ALL_AT_ONCE)
    assert (not_read(report), report.read, report.ended_early) == ([FIRST, THIRD], [], True)


def test_hidden_and_destroyed_days_ask_for_attention_as_they_are(stored: Stored) -> None:
    stored.vault.store._client.delete_object(Bucket="bucket", Key=stored.backup(FIRST).key)
    report = stored.night(ALL_AT_ONCE)
    assert (days(report), report.failed) == ([SECOND, THIRD], {})


def test_an_empty_bucket_is_an_event_too(tmp_path: Path) -> None:
    stored = Stored(tmp_path)
    report = stored.night()
    (event,) = recorded_events(stored.vault, Action.VERIFICATION)
    assert (report.days, report.oldest, event.details["days"]) == (0, None, [])
    assert "oldest_unread" not in event.details


def test_a_day_costs_a_bounded_number_of_requests(stored: Stored) -> None:
    def requests(within: timedelta) -> Counter[str]:
        before = stored.s3.requests.copy()
        stored.night(within)
        return stored.s3.requests - before

    one, three = requests(timedelta(days=30)), requests(ALL_AT_ONCE)
    assert (three.total() - one.total()) / 2 <= 20
