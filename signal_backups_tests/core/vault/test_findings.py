"""Open findings: kept until an examination of the same days, as thorough as the first, finds nothing."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import due_at
from signal_backups.core.ledger.event import Action
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.monitoring.status.text import facts, headline, remedies
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.findings import (
    Acceptance,
    DayFinding,
    Examination,
    Findings,
    newest_findings,
    open_findings,
    record_findings,
)
from signal_backups_tests.core.monitoring.watched import FIRST, Watched

SECOND = FIRST + ONE_DAY
RECONCILIATION, TRAIL = Examination.RECONCILIATION, Examination.AUDIT_TRAIL


@pytest.fixture
def watched() -> Watched:
    """A bucket with two verified days."""
    watched = Watched()
    watched.put(FIRST, SECOND)
    watched.clock.advance(timedelta(hours=3))
    return watched


def opened(watched: Watched) -> list[tuple[Examination, dict[date, str], list[str]]]:
    return [
        (each.examination, {day: found.what for day, found in each.days.items()}, each.general)
        for each in open_findings(watched.vault)
    ]


def recorded(watched: Watched) -> list[tuple[str, int, int]]:
    events = [event for event in watched.vault.trail.events() if event.action is Action.EXAMINATION]
    return [(event.result, event.details["day_count"], event.details["general_count"]) for event in events]


def reconcile(watched: Watched, found: dict[date, str], *days: date) -> None:
    watched.clock.advance(timedelta(minutes=1))
    record_findings(watched.vault, RECONCILIATION, days=found, was_examined=lambda day: day in days)


def test_an_examination_that_finds_nothing_leaves_no_trace(watched: Watched) -> None:
    reconcile(watched, {}, FIRST, SECOND)
    assert (opened(watched), recorded(watched)) == ([], [])


def test_a_finding_stays_open_until_its_day_is_examined_again(watched: Watched) -> None:
    reconcile(watched, {FIRST: "1 late", SECOND: "2 mutated"}, FIRST, SECOND)
    reconcile(watched, {SECOND: "2 mutated"}, SECOND)
    assert opened(watched) == [(RECONCILIATION, {FIRST: "1 late", SECOND: "2 mutated"}, [])]
    reconcile(watched, {}, SECOND)
    assert opened(watched) == [(RECONCILIATION, {FIRST: "1 late"}, [])]
    reconcile(watched, {}, FIRST)
    assert opened(watched) == []
    assert recorded(watched) == [("failed", 2, 0), ("failed", 2, 0), ("failed", 1, 0), ("passed", 0, 0)]


def test_only_a_full_examination_clears_what_a_full_one_found(watched: Watched) -> None:
    record_findings(watched.vault, TRAIL, days={}, general=["event 3: edited"], is_full=True)
    watched.clock.advance(timedelta(minutes=1))
    record_findings(watched.vault, TRAIL, days={}, general=["event 5: removed"], is_full=False)
    assert opened(watched) == [(TRAIL, {}, ["event 3: edited", "event 5: removed"])]
    watched.clock.advance(timedelta(minutes=1))
    record_findings(watched.vault, TRAIL, days={}, is_full=False)
    assert opened(watched) == [(TRAIL, {}, ["event 3: edited", "event 5: removed"])]
    watched.clock.advance(timedelta(minutes=1))
    record_findings(watched.vault, TRAIL, days={}, is_full=True)
    assert opened(watched) == []


def test_the_status_is_never_safe_over_an_open_finding(watched: Watched) -> None:
    assert backup_status(watched.vault, FIRST, watched.clock).healthy
    reconcile(watched, {FIRST: "1 mutated"}, FIRST)
    found = backup_status(watched.vault, FIRST, watched.clock)
    assert found.day_states == {FIRST: [DayState.OPEN_FINDING, DayState.VERIFIED]}
    assert headline(found) == "NOT SAFE: 1 day with an open finding"
    assert dict(facts(found))["findings"] == "reconciliation, 2026-03-03 05:01:01Z: 2026-03-01: 1 mutated"
    assert list(remedies(found)) == [
        "When nothing is wrong any more, clear what the last reconciliation found with: "
        "signal-backups reconcile --from 2026-03-01 --to 2026-03-01"
    ]


def test_the_next_backup_of_a_day_ends_what_a_reconciliation_found(watched: Watched) -> None:
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    watched.clock.advance(timedelta(minutes=1))
    watched.put_manifest_now(FIRST)
    assert backup_status(watched.vault, FIRST, watched.clock).healthy


def test_what_a_backup_has_ended_stays_ended_when_another_day_is_examined(watched: Watched) -> None:
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    watched.clock.advance(timedelta(minutes=1))
    watched.put_manifest_now(FIRST)
    reconcile(watched, {SECOND: "1 late"}, SECOND)
    assert backup_status(watched.vault, FIRST, watched.clock).in_state(DayState.OPEN_FINDING) == [SECOND]
    # Found again after that backup, it is open again.
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    assert backup_status(watched.vault, FIRST, watched.clock).in_state(DayState.OPEN_FINDING) == [FIRST, SECOND]


def test_what_an_audit_of_the_trail_found_is_not_ended_by_a_backup(watched: Watched) -> None:
    record_findings(watched.vault, TRAIL, days={}, general=["event 3: edited"])
    watched.clock.advance(timedelta(minutes=1))
    watched.put_manifest_now(FIRST)
    found = backup_status(watched.vault, FIRST, watched.clock)
    assert headline(found) == "NOT SAFE: the last examination of the logs found something"
    assert list(remedies(found))[-1].endswith("of the logs found with: signal-backups audit verify --full")


FORGED = Findings(examination=RECONCILIATION, at=due_at(FIRST))


@pytest.mark.parametrize(
    ("number", "body"),
    [(2, FORGED.model_dump_json().encode()), (9_999_999_999, FORGED.model_dump_json().encode()), (7, b"{")],
    ids=["of another event", "of no event", "unreadable"],
)
def test_a_forged_record_clears_nothing_and_is_an_open_finding_itself(
    watched: Watched, number: int, body: bytes
) -> None:
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    fail_verification(watched)
    key = watched.vault.layout.finding_key(RECONCILIATION, number)
    watched.vault.store.put_bytes(key, body, "application/json")
    (found,) = open_findings(watched.vault)
    assert found.general == [f"s3://bucket/{key} is not a record that the audit trail knows: it was forged or removed"]


@pytest.mark.parametrize("body", [None, b"{}"], ids=["hidden", "overwritten"])
def test_a_record_counts_as_it_was_first_stored(watched: Watched, body: bytes | None) -> None:
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    key = watched.vault.layout.finding_key(RECONCILIATION, 1)
    if body is None:
        watched.hide(key)
    else:
        watched.vault.store.put_bytes(key, body, "application/json")
    assert opened(watched) == [(RECONCILIATION, {FIRST: "1 late"}, [])]


def test_a_forged_acceptance_counts_for_nothing(watched: Watched) -> None:
    record_findings(watched.vault, TRAIL, days={}, general=["event 3: edited"])
    acceptance = Acceptance(at=watched.clock(), by="nobody", reason="none", findings=["event 3: edited"])
    forged = Findings(examination=TRAIL, at=watched.clock(), accepted=[acceptance])
    key = watched.vault.layout.finding_key(TRAIL, 2)
    watched.vault.store.put_bytes(key, forged.model_dump_json().encode(), "application/json")
    assert not backup_status(watched.vault, FIRST, watched.clock).healthy
    assert newest_findings(watched.vault)[TRAIL].accepted == []


def test_a_finding_of_a_day_that_is_not_observed_does_not_count(watched: Watched) -> None:
    reconcile(watched, {FIRST - ONE_DAY: "1 late"}, FIRST - ONE_DAY)
    assert backup_status(watched.vault, FIRST, watched.clock).healthy


def fail_verification(watched: Watched) -> None:
    watched.vault.trail.record(Action.VERIFICATION, "passed", details={"day": str(FIRST)})


def test_a_bucket_that_takes_no_record_does_not_end_the_examination(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.s3.fail_next(10, "AccessDenied", 403, operation="PutObject")
    with caplog.at_level(logging.WARNING):
        reconcile(watched, {FIRST: "1 late"}, FIRST)
    assert "is not recorded, and the status does not show it" in caplog.text


def test_the_command_that_clears_a_finding_names_its_days(watched: Watched) -> None:
    late = DayFinding(at=due_at(FIRST), what="late")
    found = Findings(examination=RECONCILIATION, at=late.at, days={FIRST: late, SECOND: late})
    assert found.command == "signal-backups reconcile --from 2026-03-01 --to 2026-03-02"


def test_a_finding_that_is_newer_than_the_listing_of_the_trail_is_believed(watched: Watched) -> None:
    reconcile(watched, {FIRST: "1 late"}, FIRST)
    events = ListedEvents(watched.vault.trail.log, watched.vault.event_segments)
    assert events.damage.count == 0
    reconcile(watched, {SECOND: "2 mutated"}, FIRST, SECOND)
    assert newest_findings(watched.vault, events)[RECONCILIATION].words == [f"{SECOND}: 2 mutated"]
