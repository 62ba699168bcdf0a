"""``signal-backups audit accept``: what was looked into is no finding any more, and everything else still is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from signal_backups.core.ledger.event import Action
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.stored_days import StoredDays, day_at, rows_of, stored_days
from signal_backups_tests.cli.terminal import Terminal

DAYS = [day_at(number) for number in range(3)]
REASON = "a test of the rights, see ticket 4711"


@pytest.fixture
def stored(tmp_path: Path, s3_server: S3Server) -> Iterator[StoredDays]:
    """Three days, and the audit event of the second destroyed."""
    with stored_days(tmp_path, s3_server) as stored:
        for day in DAYS:
            stored.store(day, rows_of(day, 2))
        stored.remove(stored.vault.trail.log.key_of(2))
        yield stored


@pytest.fixture
def terminal(stored: StoredDays, tmp_path: Path) -> Terminal:
    """A terminal that looks at these days."""
    return stored.terminal(tmp_path, SIGNAL_BACKUPS_START_DATE=DAYS[0].isoformat())


def is_said(terminal: Terminal, words: str) -> bool:
    return words in terminal.run("status").out


def test_what_was_accepted_is_over_everywhere_and_what_comes_later_is_not(
    stored: StoredDays, terminal: Terminal
) -> None:
    damaged = "event 2 is missing, hidden or overwritten"
    assert is_said(terminal, damaged)
    assert terminal.run("audit", "verify").code == 1
    accepted = terminal.run("audit", "accept", REASON)
    assert accepted.code == 0
    assert accepted.out.splitlines()[-1] == f"1 finding accepted: {REASON}"
    verified = terminal.run("audit", "verify", "--full")
    assert (verified.code, "unbroken, accepted findings: 1" in verified.out) == (0, True)
    assert not is_said(terminal, damaged)
    assert not is_said(terminal, "the last examination of the logs")
    stored.remove(stored.vault.trail.log.key_of(3))
    again = terminal.run("audit", "verify", "--json")
    assert again.code == 1
    assert [each["words"] for each in again.json["findings"]] == ["entries 2 to 3 are missing"]
    assert is_said(terminal, "event 3 is missing, hidden or overwritten")


def test_the_acceptance_is_an_event_with_its_reason(stored: StoredDays, terminal: Terminal) -> None:
    document = terminal.run("audit", "accept", REASON, "--json").json
    assert (document["ok"], document["reason"], len(document["findings"])) == (True, REASON, 1)
    (event,) = [each for each in stored.vault.trail.events(3) if each.action is Action.EXAMINATION]
    assert (event.result, event.details["reason"], event.details["accepted_count"]) == ("accepted", REASON, 1)
    retention = terminal.run("audit", "retention", "--no-report")
    assert "accepted: events 2: entry 2 is missing" in retention.out


def test_without_a_finding_nothing_is_accepted(tmp_path: Path, s3_server: S3Server) -> None:
    with stored_days(tmp_path, s3_server) as stored:
        stored.store(DAYS[0], rows_of(DAYS[0], 2))
        done = stored.terminal(tmp_path).run("audit", "accept", REASON)
        assert (done.code, done.out.strip()) == (0, "Nothing is wrong")
        assert [each.action for each in stored.vault.trail.events()] == [Action.BACKUP]


def test_a_reason_is_needed(terminal: Terminal) -> None:
    assert terminal.run("audit", "accept", " ").code == 2
    assert terminal.run("audit", "accept").code == 2
