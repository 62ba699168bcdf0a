"""What the weekly probes find is an event of the audit trail."""

from __future__ import annotations

import pytest

from signal_backups.core.base.errors import ConflictError, StoreError
from signal_backups.core.doctor import probes
from signal_backups.core.doctor.finding import DoctorCheck, State
from signal_backups.core.doctor.probes import OpenStore
from signal_backups.core.doctor.weekly_probes import PROBED, is_broken, probe_store
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.s3.connection import S3Connection
from signal_backups_tests.core.doctor.installations import Installation
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events


@pytest.fixture
def opened(amazon: Installation) -> OpenStore:
    """A store that keeps its promises, with the profile that locks."""
    return OpenStore(amazon.vault(amazon.profile()), amazon.client, S3Connection(), is_embedded=False)


def recorded(opened: OpenStore) -> Event:
    (event,) = recorded_events(opened.vault, Action.PROBE)
    return event


def test_a_store_that_keeps_its_promises(opened: OpenStore) -> None:
    found = probe_store(opened)
    assert {check: finding.state for check, finding in found.items()} == dict.fromkeys(PROBED, State.OK)
    event = recorded(opened)
    assert (event.result, set(event.details)) == ("passed", {check.value for check in PROBED})
    assert event.details["delete_denied"] == {
        "state": "ok",
        "found": "denied by its lock, whatever the role may do",
    }
    ((key, version_id),) = objects(event)
    assert opened.vault.store.head(key, version_id) is not None


def test_a_lock_that_does_not_hold(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened.client, "delete_object", lambda **_: {})
    found = probe_store(opened)
    assert [check for check, finding in found.items() if is_broken(finding)] == [DoctorCheck.DELETE]
    event = recorded(opened)
    assert event.result == "failed"
    assert event.details["delete_denied"] == {"state": "failed", "found": "a version was deleted in spite of its lock"}


def test_a_race_that_nobody_wins(opened: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put = opened.vault.store.put_bytes

    def refuse(key: str, *arguments: str, only_new: bool = False, **named: object) -> str:
        if "race" in key:
            raise ConflictError("there is one")
        return put(key, *arguments, only_new=only_new, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(opened.vault.store, "put_bytes", refuse)
    found = probe_store(opened)
    assert [check for check, finding in found.items() if is_broken(finding)] == [DoctorCheck.CONDITIONAL_WRITES]
    assert recorded(opened).result == "failed"


def test_what_a_store_never_promised_is_no_failure(other: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "in_parallel", lambda *_, **__: [True, True])
    opened = OpenStore(other.vault(other.profile()), other.client, S3Connection(), is_embedded=False)
    found = probe_store(opened)[DoctorCheck.CONDITIONAL_WRITES]
    assert (found.state, is_broken(found), recorded(opened).result) == (State.WARNING, False, "passed")


def test_without_an_answer_nothing_is_known_and_nothing_recorded(
    opened: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise StoreError("no answer", transient=True)

    with monkeypatch.context() as patch:
        patch.setattr(opened.vault.store, "put_bytes", refuse)
        with pytest.raises(StoreError, match="no answer"):
            probe_store(opened)
    assert recorded_events(opened.vault, Action.PROBE) == []
