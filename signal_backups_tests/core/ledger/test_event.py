"""Stored events: their bytes, and reading those of other releases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.ledger.event import Action, Actor, Event, ObjectName, Occurrence, Result

#: An event as every release has written it so far.
STORED = (
    b'{"action": "verification", "actor": {"code_version": "1.0", "host": "h", "run_id": "", "user": "u"}, '
    b'"at": "2026-03-01T02:00:00Z", "details": {"day": "2026-02-28"}, "format": 1, "id": "a1", "number": 7, '
    b'"objects": [{"key": "k", "version_id": "v"}], "previous": "00", "result": "passed"}\n'
)

#: Every action that was ever written.
ACTIONS = {
    "backup",
    "changes_accepted",
    "deletion",
    "drill",
    "examination",
    "hold_put",
    "probe",
    "hold_release",
    "lock_extension",
    "policy_change",
    "restore",
    "thaw",
    "undelete",
    "verification",
}

#: Every result that was ever written.
RESULTS = {
    "accepted",
    "changed",
    "changed in part",
    "copied up",
    "failed",
    "gone",
    "interrupted",
    "locked",
    "markers removed",
    "overtaken",
    "passed",
    "put",
    "released",
    "replaced",
    "requested",
    "restored",
    "seen",
    "stored",
    "thawing",
    "unchanged",
    "vouched again",
}


def test_no_action_or_result_that_was_ever_written_changes_or_goes() -> None:
    assert {action.value for action in Action} == ACTIONS
    assert {result.value for result in Result} == RESULTS


def test_an_event_is_written_as_it_always_was() -> None:
    occurrence = Occurrence(
        id="a1",
        at=datetime(2026, 3, 1, 2, tzinfo=UTC),
        actor=Actor(user="u", host="h", code_version="1.0"),
        action=Action.VERIFICATION,
        result=Result.PASSED,
        objects=[ObjectName(key="k", version_id="v")],
        details={"day": "2026-02-28"},
    )
    assert occurrence.to_bytes(Link(7, "00")) == STORED


@pytest.mark.parametrize("result", [*sorted(RESULTS), "a result of a later release"])
def test_every_result_can_be_read(result: str) -> None:
    event = Event.from_bytes(STORED.replace(b'"passed"', f'"{result}"'.encode()), "e")
    assert (event.number, event.result) == (7, result)
