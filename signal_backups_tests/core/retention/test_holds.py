"""Legal holds on a real S3 server: on every version of the days and no other, and enforced by the server."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time

import pytest

from signal_backups.core.base.errors import ExitCode, NotFoundError, StoreError, VerificationError
from signal_backups.core.ledger.batch_events import ITEMS_AN_EVENT
from signal_backups.core.ledger.event import Action, ObjectName
from signal_backups.core.retention.holds import DayHoldChange, HoldChange, list_holds, put_holds, release_holds
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import ObjectLock
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.retention.locked import DAYS, Named, delete, keys_of, put_days, vault_in


@pytest.fixture
def vault(connection: S3Connection, locked_bucket: str) -> BackupVault:
    return vault_in(connection, locked_bucket)


def put(vault: BackupVault, first: date = DAYS[0], last: date = DAYS[-1]) -> HoldChange:
    return put_holds(vault, first, last, "case 4711")


def release(vault: BackupVault, first: date = DAYS[0], last: date = DAYS[-1]) -> HoldChange:
    return release_holds(vault, first, last, "case closed")


def named(versions: Iterable[ObjectName]) -> set[Named]:
    return {(version.key, version.version_id) for version in versions}


def held(vault: BackupVault) -> set[Named]:
    """Every version on hold in the bucket, read directly from S3."""
    client, bucket = vault.store._client, vault.store.bucket
    return {
        (version.key, version.version_id)
        for version in vault.store.list_versions("")
        if not version.is_delete_marker
        and client.head_object(Bucket=bucket, Key=version.key, VersionId=version.version_id).get(
            "ObjectLockLegalHoldStatus"
        )
        == "ON"
    }


def test_every_version_of_the_days_and_no_other_is_on_hold(vault: BackupVault) -> None:
    noncurrent = put_days(vault, DAYS)
    current = put_days(vault, DAYS[1:])
    delete(vault, vault.layout.backup_key(BackupSlot(DAYS[1])))
    foreign = "signals/2026/11/readme.txt"
    vault.store.put_bytes(foreign, b"x", "text/plain")
    change = put(vault, DAYS[1], DAYS[1])
    wanted = {name for name in noncurrent | current if f"{DAYS[1]:%Y%m%d}" in name[0]}
    assert len(wanted) == 6
    assert held(vault) == wanted == named(change.changed)
    assert [(day.day, len(day.changed), day.unchanged) for day in change.days] == [(DAYS[1], 6, 0)]


def test_the_server_refuses_deletes_until_the_hold_is_released(vault: BackupVault) -> None:
    stored = put_days(vault, DAYS[:1])
    put(vault)
    for key, version_id in stored:
        with pytest.raises(Exception, match="AccessDenied"):
            delete(vault, key, version_id)
    assert named(release(vault).changed) == stored
    assert held(vault) == set()
    for key, version_id in stored:
        delete(vault, key, version_id)
    assert vault.store.list_versions("signals/") == []


def test_a_range_across_months_and_years_has_exactly_its_days(vault: BackupVault) -> None:
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31), date(2025, 2, 1)]
    put_days(vault, days)
    for first, last in ((0, 1), (1, 2), (2, 3), (0, 3)):
        change = put(vault, days[first], days[last])
        assert [day.day for day in change.days] == days[first : last + 1]
        assert {key for key, _ in held(vault)} == {key for day in days[first : last + 1] for key in keys_of(vault, day)}
        release(vault, days[0], days[-1])


@pytest.mark.parametrize("prefix", ["signals/", "desk/signals/", "desk/"])
def test_any_prefix_finds_each_version_once(connection: S3Connection, locked_bucket: str, prefix: str) -> None:
    vault = vault_in(connection, locked_bucket, layout=Layout(prefix))
    put_days(vault, [date(2024, 12, 31), date(2026, 1, 1)])
    change = put(vault, date.min, DAYS[-1])
    assert [(len(day.changed), day.unchanged) for day in change.days] == [(3, 0), (3, 0)]


def test_backups_of_older_tools_are_held_too(vault: BackupVault) -> None:
    key = vault.layout.backup_key(BackupSlot(DAYS[0], time(23, 59, 59)))
    version_id = vault.store.put_bytes(key, b"x", "text/csv")
    put(vault, DAYS[0], DAYS[0])
    assert held(vault) == {(key, version_id)}


def test_a_second_run_changes_nothing_and_reports_it(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    put(vault, DAYS[0], DAYS[0])
    assert [(len(day.changed), day.unchanged) for day in put(vault).days] == [(0, 3), (3, 0), (3, 0)]
    written = vault.store.list_versions("")
    again = put(vault)
    assert (again.event, again.changed) == (None, [])
    assert [day.unchanged for day in again.days] == [3, 3, 3]
    assert vault.store.list_versions("") == written
    assert release(vault).event == 3
    assert release(vault) == HoldChange(days=[DayHoldChange(day=day, changed=[], unchanged=3) for day in DAYS])


def test_hold_changes_are_recorded(vault: BackupVault) -> None:
    stored = put_days(vault, DAYS[:1])
    done = put(vault, DAYS[0], DAYS[1])
    undone = release(vault)
    put_event, release_event = recorded_events(vault)
    assert (done.event, undone.event) == (put_event.number, release_event.number) == (1, 2)
    assert (put_event.action, put_event.result) == (Action.HOLD_PUT, "put")
    assert (release_event.action, release_event.result) == (Action.HOLD_RELEASE, "released")
    assert objects(put_event) == objects(release_event) == stored
    assert put_event.details == {"reason": "case 4711", "first_day": "2026-10-31", "last_day": "2026-11-01"}
    assert release_event.details["reason"] == "case closed"
    assert put_event.actor == vault.trail.actor


def test_many_versions_are_recorded_in_several_events(vault: BackupVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signal_backups.core.ledger.batch_events.ITEMS_AN_EVENT", 4)
    stored = put_days(vault, DAYS)
    done = put(vault)
    events = recorded_events(vault)
    assert [len(event.objects) for event in events] == [4, 4, 1]
    assert set.union(*(objects(event) for event in events)) == stored
    assert done.event == 3
    assert ITEMS_AN_EVENT * 300 < 64_000


def test_holds_are_listed_by_day(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    put(vault, DAYS[1], DAYS[1])
    put_days(vault, DAYS[1:2])
    found = list_holds(vault, DAYS[0], DAYS[-1])
    assert [(day.day, day.versions, len(day.held)) for day in found] == [
        (DAYS[0], 3, 0),
        (DAYS[1], 6, 3),
        (DAYS[2], 3, 0),
    ]
    assert named(found[1].held) == held(vault)


def test_a_bucket_without_object_lock_is_refused_before_any_change(connection: S3Connection, bucket: str) -> None:
    vault = vault_in(connection, bucket)
    put_days(vault, DAYS)
    before = vault.store.list_versions("")
    for call in (put, release, lambda vault: list_holds(vault, DAYS[0], DAYS[0])):
        with pytest.raises(StoreError, match="no Object Lock") as raised:
            call(vault)
        assert "signal-backups init --profile recommended" in raised.value.remedy
        assert not raised.value.transient
    assert held(vault) == set()
    assert vault.store.list_versions("") == before


def test_days_without_stored_versions_are_not_found(vault: BackupVault) -> None:
    put_days(vault, DAYS[:1])
    for call in (put, release, list_holds):
        with pytest.raises(NotFoundError) as raised:
            call(vault, DAYS[1], DAYS[2])  # type: ignore[operator]
        assert raised.value.exit_code == ExitCode.NOT_FOUND
    assert recorded_events(vault) == []


def test_a_hold_that_the_store_does_not_show_is_an_error_and_is_recorded(
    vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_days(vault, DAYS[:1])
    monkeypatch.setattr(vault.store, "lock_of", lambda *_: ObjectLock(None, None, legal_hold=False))
    with pytest.raises(VerificationError, match="s3:GetObjectLegalHold"):
        put(vault)
    (event,) = recorded_events(vault)
    assert event.objects != []


def test_the_holds_put_before_an_error_are_recorded(vault: BackupVault, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = put_days(vault, DAYS)
    plain, refused = vault.store.set_legal_hold, keys_of(vault, DAYS[1])

    def refusing(key: str, version_id: str, *, on: bool) -> None:
        if key in refused:
            raise StoreError("denied")
        plain(key, version_id, on=on)

    monkeypatch.setattr(vault.store, "set_legal_hold", refusing)
    with pytest.raises(StoreError, match="denied"):
        put(vault)
    (event,) = recorded_events(vault)
    assert objects(event) == held(vault)
    monkeypatch.undo()
    put(vault)
    assert held(vault) == stored
