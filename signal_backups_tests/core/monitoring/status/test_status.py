"""The status of days, failures and the next run, as text and as a page."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import GRACE, due_at
from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.ledger.event import Action, Actor, Occurrence
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.monitoring import verifications
from signal_backups.core.monitoring.status.page import status_page
from signal_backups.core.monitoring.status.status import RECENT_EVENTS, BackupStatus, backup_status
from signal_backups.core.monitoring.status.text import facts, headline, remedies
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND, THIRD = FIRST + ONE_DAY, FIRST + 2 * ONE_DAY
LATER = timedelta(hours=3)
SCRIPT = "<script>alert('&')</script>"


@pytest.fixture
def watched() -> Watched:
    """An empty, versioned bucket with a simulated clock."""
    return Watched()


def status_of(watched: Watched, start: date | None = FIRST) -> BackupStatus:
    return backup_status(watched.vault, start, watched.clock)


def marks(found: BackupStatus) -> dict[date, DayState]:
    return {each.day: each.state for each in found.calendar}


def fact(found: BackupStatus, name: str) -> str:
    return dict(facts(found))[name]


def listed(watched: Watched) -> ListedEvents:
    return ListedEvents(watched.vault.trail.log, watched.vault.event_segments)


def fail(watched: Watched, action: Action, day: date, **details: object) -> None:
    watched.vault.trail.record(action, "failed", details={"day": day.isoformat(), **details})


def test_healthy_backups(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.clock.set(due_at(SECOND) + LATER)
    found = status_of(watched)
    assert found.healthy
    assert headline(found) == "SAFE: every day from 2026-03-01 to 2026-03-02 is backed up and verified"
    assert fact(found, "last backup") == "2026-03-02, made 2026-03-03 02:00:00Z, 3:00:00 ago"
    assert fact(found, "failures") == "none recently"
    assert list(remedies(found)) == []


def test_each_kind_of_day_has_its_mark(watched: Watched) -> None:
    days = [FIRST + number * ONE_DAY for number in range(5)]
    watched.put(FIRST)
    watched.put_object(BackupSlot(SECOND))
    watched.put(days[3])
    watched.hide(watched.vault.layout.backup_key(BackupSlot(days[3])))
    watched.clock.set(due_at(days[4]))
    found = status_of(watched)
    assert (found.missing_days, found.hidden_days) == ([THIRD], [days[3]])
    assert (found.unverified_days, found.due_days) == ([SECOND], [days[4]])
    assert not found.healthy
    shown = marks(found)
    assert [shown[day] for day in (FIRST - ONE_DAY, *days, days[4] + ONE_DAY)] == [
        DayState.BEFORE,
        DayState.VERIFIED,
        DayState.UNVERIFIED,
        DayState.MISSING,
        DayState.HIDDEN,
        DayState.NOT_DUE,
        DayState.NOT_DUE,
    ]
    assert headline(found) == "NOT SAFE: 1 day missing, 1 day hidden by a delete marker, 1 day unverified"
    assert list(remedies(found)) == [
        "Back the missing days up with: signal-backups backup 2026-03-03",
        "Bring a deleted day back with: signal-backups undelete 2026-03-04",
        "See why with: signal-backups verify --date 2026-03-02; fix with: signal-backups backup 2026-03-02",
    ]
    assert fact(found, "stored") == "2 days, 1 records, 0.0 MB, 2026-03-01 to 2026-03-02"


def test_without_a_start_a_deleted_oldest_day_is_missing(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.hide(watched.vault.layout.backup_key(BackupSlot(FIRST)))
    watched.clock.set(due_at(SECOND) + LATER)
    found = status_of(watched, None)
    assert (found.first_day, found.missing_days, found.hidden_days) == (FIRST, [], [FIRST])
    assert (found.first_stored_day, found.last_stored_day) == (SECOND, SECOND)


def test_a_deleted_day_past_its_retention_is_not_missing(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.hide(watched.vault.layout.backup_key(BackupSlot(FIRST)))
    watched.clock.set(due_at(SECOND) + LATER)
    watched.clock.advance(timedelta(days=364))
    found = backup_status(watched.vault, None, watched.clock, retention_years=1)
    assert (found.first_day, FIRST in found.missing_days) == (SECOND, False)


def test_without_any_backup_the_status_is_not_safe(watched: Watched) -> None:
    watched.clock.set(due_at(FIRST))
    found = status_of(watched)
    assert (found.healthy, found.missing_days, found.due_days) == (False, [], [FIRST])
    assert headline(found) == "NOT SAFE: nothing is backed up"
    assert list(remedies(found)) == ["Make the first backup with: signal-backups backup"]
    assert fact(found, "stored") == "0 days, 0 records, 0.0 MB"


@pytest.mark.parametrize("has_object", [False, True], ids=["nothing there yet", "being backed up"])
def test_a_day_is_due_until_its_grace_ends(watched: Watched, has_object: bool) -> None:
    watched.put(FIRST)
    watched.clock.set(due_at(SECOND) + GRACE - timedelta(seconds=1))
    if has_object:
        watched.put_object(BackupSlot(SECOND))
    found = status_of(watched)
    assert (found.healthy, found.due_days) == (True, [SECOND])
    assert headline(found) == "SAFE: every day from 2026-03-01 to 2026-03-01 is backed up and verified"
    watched.clock.advance(timedelta(seconds=1))
    late = status_of(watched)
    assert (late.healthy, late.due_days) == (False, [])
    assert late.missing_days + late.unverified_days == [SECOND]


@pytest.mark.parametrize(
    ("after_due", "next_run"),
    [(-timedelta(seconds=1), due_at(FIRST)), (timedelta(), due_at(SECOND)), (LATER, due_at(SECOND))],
)
def test_the_next_run_is_at_two_o_clock(watched: Watched, after_due: timedelta, next_run: date) -> None:
    watched.clock.set(due_at(FIRST) + after_due)
    assert status_of(watched).next_run == next_run


def test_failures_are_shown_newest_first_with_their_reason(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    fail(watched, Action.BACKUP, SECOND, error="no database")
    watched.vault.trail.record(Action.BACKUP, "stored", details={"day": SECOND.isoformat()})
    watched.vault.trail.record(Action.DRILL, "failed")
    watched.clock.advance(LATER)
    fail(watched, Action.VERIFICATION, SECOND, problems=["row 1", "row 2"])
    watched.vault.trail.record(Action.VERIFICATION, "passed", details={"day": SECOND.isoformat()})
    found = status_of(watched)
    assert [(each.action, each.day, each.reason) for each in found.failures] == [
        (Action.VERIFICATION, "2026-03-02", "row 1; row 2"),
        (Action.BACKUP, "2026-03-02", "no database"),
    ]
    assert fact(found, "failures") == "2 recently; row 1; row 2 (verification of 2026-03-02, 2026-03-03 05:00:01Z)"
    assert found.healthy


def test_a_day_whose_last_verification_failed_is_not_safe(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.clock.advance(LATER)
    fail(watched, Action.VERIFICATION, FIRST, problems=["row 1"])
    fail(watched, Action.VERIFICATION, FIRST - ONE_DAY, problems=["outside the days of the status"])
    found = status_of(watched)
    assert (found.healthy, found.failing_days, found.unverified_days) == (False, [FIRST], [])
    assert marks(found)[FIRST] is DayState.FAILING
    assert headline(found) == "NOT SAFE: 1 day failed the last verification"
    assert list(remedies(found)) == [
        "See why with: signal-backups verify --date 2026-03-01; fix with: signal-backups backup 2026-03-01"
    ]


def test_a_failed_verification_counts_even_if_many_newer_events_follow(watched: Watched) -> None:
    watched.put(FIRST, SECOND)
    watched.clock.advance(LATER)
    fail(watched, Action.VERIFICATION, FIRST, problems=["row 1"])
    for _ in range(RECENT_EVENTS):
        watched.vault.trail.record(Action.BACKUP, "unchanged", details={"day": SECOND.isoformat()})
    assert status_of(watched).failing_days == [FIRST]


def test_no_more_events_are_read_once_every_day_is_known(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.advance(LATER)
    for _ in range(RECENT_EVENTS + 1):
        watched.vault.trail.record(Action.BACKUP, "unchanged", details={"day": FIRST.isoformat()})
    before = watched.s3.requests.copy()
    assert status_of(watched).healthy
    assert (watched.s3.requests - before)["GetObject"] == 1 + RECENT_EVENTS


def test_days_too_far_back_in_the_trail_are_unknown(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifications, "MAX_EVENTS_BACK", RECENT_EVENTS)
    watched.put(FIRST, SECOND)
    watched.clock.advance(LATER)
    for _ in range(RECENT_EVENTS):
        watched.vault.trail.record(Action.BACKUP, "unchanged", details={"day": SECOND.isoformat()})
    whole_trail_read = status_of(watched)
    assert whole_trail_read.unknown_days == []
    assert "not passing" not in dict(facts(whole_trail_read))
    watched.vault.trail.record(Action.DRILL, "passed")
    found = status_of(watched)
    assert found.unknown_days == [FIRST]
    assert fact(found, "not passing") == "none; 1 day unknown from the newest 25,000 events"


def test_quarantined_rows_only_ask_for_a_check(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.advance(LATER)
    states = {FIRST: [DayState.QUARANTINED, DayState.VERIFIED]}
    quarantined = status_of(watched).model_copy(update={"quarantined_rows": {FIRST: 3}, "day_states": states})
    assert headline(quarantined) == "CHECK: 1 day with quarantined rows"
    assert fact(quarantined, "quarantined") == "3 rows; 2026-03-01: 3"


def test_events_are_read_in_batches_newest_first(watched: Watched) -> None:
    for day in (FIRST, SECOND, THIRD):
        fail(watched, Action.BACKUP, day)
    with watched.vault.store.counted_requests() as sent:
        events = listed(watched).newest_first(2)
        assert [event.number for event in next(events)] == [3, 2]
        assert len(sent) == 3  # the listing, two events
    assert [event.number for event in next(events)] == [1]
    assert next(events, None) is None


def test_a_batch_may_span_two_folders(watched: Watched) -> None:
    log = watched.vault.trail.log
    for number in (998, 999, 1000):
        link = Link(number, "0" * 64)
        event = Occurrence(at=watched.clock(), actor=Actor.here(), action=Action.DRILL, result="passed")
        watched.vault.store.put_bytes(log.key_of(number), event.to_bytes(link), "application/json")
    assert [[event.number for event in events] for events in listed(watched).newest_first(2)] == [[1000, 999], [998]]


def test_only_the_first_version_of_an_event_counts_and_other_objects_are_skipped(watched: Watched) -> None:
    fail(watched, Action.BACKUP, FIRST)
    log = watched.vault.trail.log
    watched.vault.store.put_bytes(log.key_of(1), b"put over it", "application/json")
    watched.vault.store.put_bytes(log.key_of(2), b"no event", "application/json")
    watched.hide(log.key_of(1))
    assert [[event.number for event in events] for events in listed(watched).newest_first(200)] == [[1]]


def test_an_empty_trail_has_no_events(watched: Watched) -> None:
    assert list(listed(watched).newest_first(200)) == []


def test_the_page_is_complete_escaped_and_self_contained(watched: Watched) -> None:
    watched.put(FIRST, THIRD)
    fail(watched, Action.BACKUP, SECOND, error=SCRIPT)
    watched.clock.advance(LATER)
    page = status_page(status_of(watched), f"s3://bucket/{SCRIPT}")
    assert page.startswith("<!DOCTYPE html>")
    assert 'class="verdict bad">NOT SAFE: 1 day missing<' in page
    assert '<td class="missing" title="2026-03-02: missing">!</td>' in page
    assert '<td class="before" title="2026-02-28: before">.</td>' in page
    assert ">Mar</th>" in page
    assert "2026-03-03, made 2026-03-04 02:00:00Z, 3:00:01 ago" in page
    assert "signal-backups backup 2026-03-02<" in page
    assert "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"\b(src|href|action)=|@import|url\(|https?://", page)


def test_the_page_of_healthy_backups(watched: Watched) -> None:
    watched.put(FIRST)
    watched.clock.advance(LATER)
    page = status_page(status_of(watched), "s3://bucket/")
    assert 'class="verdict">SAFE: ' in page
    assert "<p>None.</p>" in page
