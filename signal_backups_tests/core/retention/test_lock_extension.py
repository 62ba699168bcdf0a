"""Extending locks on a real S3 server: longer and stronger, never shorter or weaker, and only as asked."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.days import next_midnight, utc_now
from signal_backups.core.base.errors import ExitCode, NotFoundError, SettingsError, StoreError, VerificationError
from signal_backups.core.ledger.event import Action
from signal_backups.core.retention.holds import put_holds
from signal_backups.core.retention.lock_extension import Extension, extend
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.retention.locked import DAYS, Named, delete, keys_of, put_days, vault_in

GOVERNANCE = LockPolicy(LockMode.GOVERNANCE, 7)
COMPLIANCE = LockPolicy(LockMode.COMPLIANCE, 7)
ALL = (DAYS[0], DAYS[-1])


@pytest.fixture
def vault(connection: S3Connection, locked_bucket: str) -> BackupVault:
    return vault_in(connection, locked_bucket)


def run(
    vault: BackupVault,
    policy: LockPolicy = COMPLIANCE,
    days: tuple[date, date] = ALL,
    until: datetime | None = None,
    *,
    dry_run: bool = False,
) -> Extension:
    return extend(vault, policy, days, until=until, dry_run=dry_run)


def locks(vault: BackupVault) -> dict[Named, tuple[str | None, datetime | None]]:
    """Mode and end of every lock on the days' versions, read directly from S3."""
    found = {}
    for version in vault.store.list_versions(""):
        if version.key.startswith("audit/") or version.is_delete_marker:
            continue
        head = vault.store._client.head_object(Bucket=vault.store.bucket, Key=version.key, VersionId=version.version_id)
        found[version.key, version.version_id] = (head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate"))
    return found


def end(vault: BackupVault, years: int = 7) -> datetime:
    """End of the retention of versions stored today."""
    (stored,) = {version.last_modified.date() for version in vault.store.list_versions("signals/")}
    return next_midnight(datetime(stored.year + years, stored.month, stored.day, 12, tzinfo=UTC))


def lock_all(vault: BackupVault, mode: LockMode, until: datetime) -> None:
    for key, version_id in locks(vault):
        vault.store.set_retention(key, version_id, mode, until)


def test_unlocked_versions_are_locked_as_the_policy_says(vault: BackupVault) -> None:
    stored = put_days(vault, DAYS) | put_days(vault, DAYS[:1])
    delete(vault, keys_of(vault, DAYS[0])[0])
    done = run(vault)
    assert locks(vault) == dict.fromkeys(stored, ("COMPLIANCE", end(vault)))
    assert [(day.day, len(day.changes), day.unchanged) for day in done.days] == [
        (DAYS[0], 6, 0), (DAYS[1], 3, 0), (DAYS[2], 3, 0),
    ]  # fmt: skip
    for key, version_id in stored:
        with pytest.raises(ClientError, match="AccessDenied"):
            delete(vault, key, version_id)


def test_other_days_are_not_changed(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    run(vault, days=(DAYS[1], DAYS[1]))
    locked = {key for (key, _), (mode, _) in locks(vault).items() if mode}
    assert locked == set(keys_of(vault, DAYS[1]))


def test_a_second_run_changes_nothing_and_reports_it(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    run(vault)
    written = vault.store.list_versions("")
    again = run(vault)
    assert (again.changes, again.event) == ([], None)
    assert [day.unchanged for day in again.days] == [3, 3, 3]
    assert vault.store.list_versions("") == written


def test_a_longer_lock_is_kept_and_a_shorter_one_extended(vault: BackupVault) -> None:
    put_days(vault, DAYS[:2])
    longer, shorter = utc_now() + timedelta(days=4000), utc_now() + timedelta(days=2)
    for key, version_id in locks(vault):
        is_first_day = key in keys_of(vault, DAYS[0])
        vault.store.set_retention(key, version_id, LockMode.COMPLIANCE, longer if is_first_day else shorter)
    before = locks(vault)
    done = run(vault)
    assert [(len(day.changes), day.unchanged) for day in done.days] == [(0, 3), (3, 0)]
    for (key, version_id), lock in locks(vault).items():
        kept = key in keys_of(vault, DAYS[0])
        assert lock == (before[key, version_id] if kept else ("COMPLIANCE", end(vault)))
    assert all(change.before.retain_until == shorter.replace(microsecond=0) for change in done.changes)


def test_a_later_date_applies_to_all_versions(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    later = end(vault) + timedelta(days=100)
    run(vault, until=later)
    assert set(locks(vault).values()) == {("COMPLIANCE", later)}
    assert run(vault, until=later).changes == []
    assert run(vault).changes == []


@pytest.mark.parametrize("locked", [True, False])
def test_an_earlier_date_is_refused_before_anything_is_changed(vault: BackupVault, *, locked: bool) -> None:
    put_days(vault, DAYS)
    present = end(vault)
    longest = keys_of(vault, DAYS[2])[0]
    if locked:
        present += timedelta(days=50)
        lock_all(vault, LockMode.GOVERNANCE, utc_now() + timedelta(days=2))
        version_id = vault.store.list_versions(longest)[0].version_id
        vault.store.set_retention(longest, version_id, LockMode.GOVERNANCE, present)
    before = locks(vault)
    with pytest.raises(SettingsError, match="never shortened") as raised:
        run(vault, until=present - timedelta(days=1))
    assert raised.value.exit_code == ExitCode.USAGE
    assert f"{present:%Y-%m-%d}" in raised.value.what
    if locked:
        assert f"{longest} version {version_id}" in raised.value.what
    assert locks(vault) == before
    assert recorded_events(vault) == []


def test_a_date_before_the_end_of_the_policy_is_refused_even_if_it_extends_a_lock(vault: BackupVault) -> None:
    put_days(vault, DAYS[:1])
    lock_all(vault, LockMode.GOVERNANCE, utc_now() + timedelta(days=2))
    before = locks(vault)
    with pytest.raises(SettingsError, match=f"{end(vault):%Y-%m-%d}"):
        run(vault, until=end(vault) - timedelta(days=1))
    assert locks(vault) == before


def test_compliance_mode_is_kept_when_the_policy_is_weaker(vault: BackupVault) -> None:
    put_days(vault, DAYS[:1])
    lock_all(vault, LockMode.COMPLIANCE, utc_now() + timedelta(days=2))
    run(vault, GOVERNANCE)
    assert set(locks(vault).values()) == {("COMPLIANCE", end(vault))}
    assert run(vault, GOVERNANCE).changes == []


def test_the_lock_is_extended_even_if_the_store_refuses_the_stronger_mode(vault: BackupVault) -> None:
    put_days(vault, DAYS[:1])
    lock_all(vault, LockMode.GOVERNANCE, utc_now() + timedelta(days=2))
    done = run(vault)
    assert set(locks(vault).values()) == {("GOVERNANCE", end(vault))}
    assert done.refused == done.changes
    assert len(done.refused) == 3
    assert all("AccessDenied" in (change.refused or "") for change in done.refused)
    (event,) = recorded_events(vault)
    assert done.event == event.number
    assert {lock["mode"] for lock in event.details["locks"]} == {"GOVERNANCE"}
    again = run(vault)
    assert (len(again.refused), again.event) == (3, None)
    assert set(locks(vault).values()) == {("GOVERNANCE", end(vault))}


def test_the_mode_becomes_stronger_if_the_store_allows_it_and_the_end_is_never_earlier(
    vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_days(vault, DAYS[:1])
    present = end(vault) + timedelta(days=9, hours=5)
    lock_all(vault, LockMode.GOVERNANCE, present)
    plain = vault.store._client.put_object_retention

    def as_amazon_does(**request: object) -> object:
        return plain(**request, BypassGovernanceRetention=True)  # type: ignore[arg-type]

    monkeypatch.setattr(vault.store._client, "put_object_retention", as_amazon_does)
    done = run(vault)
    assert done.refused == []
    assert set(locks(vault).values()) == {("COMPLIANCE", next_midnight(present))}


def test_a_dry_run_shows_the_same_and_changes_nothing(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    written = vault.store.list_versions("")
    shown = run(vault, dry_run=True)
    assert set(locks(vault).values()) == {(None, None)}
    assert vault.store.list_versions("") == written
    assert shown.event is None
    assert run(vault).days == shown.days


def test_versions_whose_retention_is_over_are_skipped(vault: BackupVault) -> None:
    put_days(vault, DAYS)
    in_eight_years = utc_now() + timedelta(days=366 * 8)
    done = extend(vault, COMPLIANCE, ALL, clock=lambda: in_eight_years)
    assert (done.changes, [day.unchanged for day in done.days]) == ([], [3, 3, 3])
    assert set(locks(vault).values()) == {(None, None)}


def test_a_legal_hold_is_kept(vault: BackupVault) -> None:
    put_days(vault, DAYS[:1])
    put_holds(vault, DAYS[0], DAYS[0], "case")
    run(vault)
    for key, version_id in locks(vault):
        assert vault.store.lock_of(key, version_id).legal_hold


def test_lock_changes_are_recorded(vault: BackupVault) -> None:
    stored = put_days(vault, DAYS[:1])
    done = run(vault)
    (event,) = recorded_events(vault)
    assert (event.number, event.action, event.result) == (done.event, Action.LOCK_EXTENSION, "locked")
    assert objects(event) == stored
    assert {**event.details, "locks": []} == {"first_day": "2026-10-31", "last_day": "2026-11-02", "locks": []}
    assert event.details["locks"] == [
        {
            "before": {"mode": None, "retain_until": None, "legal_hold": False},
            "mode": "COMPLIANCE",
            "until": end(vault).isoformat().replace("+00:00", "Z"),
        }
    ] * len(stored)


def test_a_lock_that_the_store_does_not_show_is_an_error_and_is_recorded(
    vault: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_days(vault, DAYS[:1])
    monkeypatch.setattr(vault.store, "lock_of", lambda *_: ObjectLock(None, None, legal_hold=False))
    with pytest.raises(VerificationError, match="s3:GetObjectRetention"):
        run(vault)
    assert len(recorded_events(vault)) == 1


def test_a_weaker_lock_than_requested_is_an_error(vault: BackupVault, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(vault, DAYS[:1])
    plain = vault.store.set_retention
    monkeypatch.setattr(
        vault.store, "set_retention", lambda key, version, _, until: plain(key, version, LockMode.GOVERNANCE, until)
    )
    with pytest.raises(VerificationError, match="governance"):
        run(vault)


def test_the_locks_set_before_a_refusal_are_recorded(vault: BackupVault, monkeypatch: pytest.MonkeyPatch) -> None:
    put_days(vault, DAYS)
    plain, refused = vault.store.set_retention, keys_of(vault, DAYS[1])

    def refusing(key: str, version_id: str, mode: LockMode, until: datetime) -> None:
        if key in refused:
            raise StoreError("denied")
        plain(key, version_id, mode, until)

    monkeypatch.setattr(vault.store, "set_retention", refusing)
    with pytest.raises(StoreError, match="denied"):
        run(vault)
    (event,) = recorded_events(vault)
    assert objects(event) == {name for name, (mode, _) in locks(vault).items() if mode}


def test_a_bucket_without_object_lock_is_refused_before_any_change(connection: S3Connection, bucket: str) -> None:
    vault = vault_in(connection, bucket)
    put_days(vault, DAYS)
    with pytest.raises(StoreError, match="signal-backups init --profile recommended"):
        run(vault)
    assert set(locks(vault).values()) == {(None, None)}


def test_days_without_stored_versions_are_not_found(vault: BackupVault) -> None:
    with pytest.raises(NotFoundError):
        run(vault)
