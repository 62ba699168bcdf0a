"""How long nobody has read a backup: in the status, its page, the metrics and the alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import READ_WITHIN
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.monitoring.alerts.storage_conditions import unread_conditions
from signal_backups.core.monitoring.last_reads import all_read_since
from signal_backups.core.monitoring.metrics.measure import Criteria, Measurer
from signal_backups.core.monitoring.status.page import status_page
from signal_backups.core.monitoring.status.status import BackupStatus, backup_status
from signal_backups.core.monitoring.status.text import facts, remedies
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.s3.prices import load_prices
from signal_backups.core.scrub.night import scrub
from signal_backups_tests.core.ledger.recorded_events import recorded_events
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND = FIRST + ONE_DAY
AFTER_TWELVE_DAYS = timedelta(days=12, hours=3)


@pytest.fixture
def old(watched: Watched) -> Watched:
    """Two days, not read since they were backed up 12 and 11 days ago."""
    watched.put(FIRST, SECOND)
    watched.clock.advance(timedelta(days=11, hours=3))
    return watched


def status(watched: Watched, **options: timedelta) -> BackupStatus:
    return backup_status(watched.vault, FIRST, watched.clock, **options)


def shown(watched: Watched, **options: timedelta) -> str:
    return dict(facts(status(watched, **options)))["oldest unread"]


def verified(watched: Watched, *days: str, result: str = "passed") -> None:
    watched.vault.trail.record(Action.VERIFICATION, result, details={"days": list(days)})


def measured(watched: Watched) -> float | None:
    criteria = Criteria(FIRST, load_profile("documented"), load_prices("us-east-1"))
    at = Measurer(watched.vault, criteria, watched.clock).measure().oldest_read_at
    return (watched.clock() - at) / ONE_DAY if at else None


def test_a_backup_counts_as_read_when_it_was_made(old: Watched) -> None:
    found = status(old)
    assert shown(old) == f"12 days ({FIRST})"
    assert (found.oldest_unread_day, found.oldest_unread_at) == (FIRST, datetime(2026, 3, 2, 2, tzinfo=UTC))
    assert found.oldest_unread_seconds == pytest.approx(AFTER_TWELVE_DAYS.total_seconds(), abs=2)
    assert f"<th>oldest unread</th><td>12 days ({FIRST})</td>" in status_page(found, "s3://bucket/")
    assert measured(old) == pytest.approx(12.125, abs=0.001)


def test_a_scrub_of_some_days_counts_for_each_of_them(old: Watched) -> None:
    verified(old, str(FIRST))
    assert shown(old) == f"11 days ({SECOND})"
    verified(old, str(FIRST), str(SECOND))
    assert shown(old) == f"0 days ({FIRST})"
    assert measured(old) == 0


def test_a_day_that_was_read_and_is_bad_was_read(old: Watched) -> None:
    old.vault.trail.record(Action.VERIFICATION, "failed", details={"day": str(FIRST), "problems": ["row 1"]})
    assert shown(old) == f"11 days ({SECOND})"


def test_a_store_that_did_not_answer_reads_nothing(old: Watched) -> None:
    details = {"day": str(FIRST), "error": "no answer", "error_type": "store"}
    old.vault.trail.record(Action.VERIFICATION, "failed", details=details)
    assert shown(old) == f"12 days ({FIRST})"


def test_the_days_that_are_unread_for_too_long_are_named_with_what_to_do(old: Watched) -> None:
    assert status(old).unread_days == []
    within = timedelta(days=12)
    assert status(old, read_within=within).unread_days == [FIRST]
    assert shown(old, read_within=within) == f"12 days ({FIRST}); 1 for too long: {FIRST}"
    remedy = "Read what was not read for long with: signal-backups verify --last 13"
    assert remedy in list(remedies(status(old, read_within=within)))


def test_without_a_verified_day_there_is_nothing_to_read(watched: Watched) -> None:
    found = status(watched)
    assert (found.oldest_unread_day, "oldest unread" in dict(facts(found)), measured(watched)) == (None, False, None)


def test_it_costs_the_status_no_request(old: Watched) -> None:
    def requests() -> int:
        before = old.s3.requests.total()
        status(old)
        return old.s3.requests.total() - before

    before = requests()
    verified(old, *[str(FIRST)] * 150)
    assert requests() - before <= 2


def test_the_alert_goes_by_what_the_newest_scrub_said(old: Watched, tmp_path: Path) -> None:
    began, made = old.clock(), datetime(2026, 3, 2, 2, tzinfo=UTC)
    old.clock.advance(ONE_DAY)
    scrub(old.vault, FIRST, READ_WITHIN, tmp_path)
    events = recorded_events(old.vault)
    since = all_read_since(None, events)
    assert since == made + ONE_DAY
    assert list(unread_conditions(began, since, READ_WITHIN, since + READ_WITHIN)) == []
    (condition,) = unread_conditions(began, since, READ_WITHIN, since + READ_WITHIN + ONE_DAY)
    assert condition.what == "some backups were not read back for more than 30 days: since 2026-03-03 02:00Z"
    assert condition.command == "signal-backups status"


def test_a_scrub_that_never_ends_is_an_alert_too() -> None:
    began = datetime(2026, 3, 1, tzinfo=UTC)
    assert list(unread_conditions(began, None, READ_WITHIN, began + READ_WITHIN)) == []
    (condition,) = unread_conditions(began, None, READ_WITHIN, began + READ_WITHIN + ONE_DAY)
    assert condition.what.endswith("the scrub never ended")


def test_a_scrub_that_found_no_verified_day_leaves_nothing_unread(watched: Watched, tmp_path: Path) -> None:
    scrub(watched.vault, None, READ_WITHIN, tmp_path)
    assert all_read_since(None, recorded_events(watched.vault)) == watched.clock()


@pytest.mark.parametrize("unread", [None, {}, "soon", {"read_at": 1}, {"read_at": "soon"}, {"read_at": "2026-03-01"}])
def test_events_that_say_it_in_another_way_change_nothing(watched: Watched, unread: object) -> None:
    watched.vault.trail.record(Action.VERIFICATION, "passed", details={"days": [], "oldest_unread": unread})
    watched.vault.trail.record(Action.VERIFICATION, "passed", details={"day": str(FIRST)})
    events: list[Event] = recorded_events(watched.vault)
    before = datetime(2026, 2, 1, tzinfo=UTC)
    assert all_read_since(before, events) == before
