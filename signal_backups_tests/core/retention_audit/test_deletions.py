"""Deletions that a retention audit finds: each becomes one audit event with the version."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import StoreError
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention_audit.report import ProblemCode, ProblemSeverity, RetentionAudit
from signal_backups.core.retention_audit.run import audit_retention
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.core.retention.locked import delete
from signal_backups_tests.core.retention_audit.audit_samples import codes, days_from, fake_sha256, put_day
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import signal

NEWEST = last_complete_day()
DAYS = days_from(NEWEST - timedelta(days=2), 3)


def audit(vault: BackupVault) -> RetentionAudit:
    return audit_retention(vault, load_profile("documented"), start=None)


def deletions(vault: BackupVault) -> list[Event]:
    return recorded_events(vault, Action.DELETION)


def test_every_delete_marker_is_recorded_once(vault: BackupVault, tmp_path: Path) -> None:
    for day in DAYS:
        put_day(vault, day, tmp_path)
    layout, slot = vault.layout, BackupSlot(DAYS[1])
    vault.store.put_bytes(layout.quarantine_key(slot), b"x", "text/csv")
    keys = [layout.backup_key(slot), layout.manifest_key(slot), layout.quarantine_key(slot)]
    markers = {(key, delete(vault, key)) for key in keys}
    delete(vault, layout.drill_key(vault.store.clock()))
    audit(vault)
    events = deletions(vault)
    assert [event.result for event in events] == ["seen"] * 3
    assert set.union(*(objects(event) for event in events)) == markers
    assert all(len(event.objects) == 1 for event in events)
    (stored,) = [version for version in vault.store.list_versions(keys[0]) if version.is_delete_marker]
    assert events[0].details == {
        "day": DAYS[1].isoformat(),
        "since": f"{stored.last_modified:%Y-%m-%dT%H:%M:%SZ}",
    }
    audit(vault)
    assert len(deletions(vault)) == 3
    again = delete(vault, keys[0])
    audit(vault)
    assert [objects(event) for event in deletions(vault)[3:]] == [{(keys[0], again)}]


def test_without_deletions_nothing_is_recorded_and_the_audit_trail_is_not_read(
    vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_day(vault, NEWEST, tmp_path)
    monkeypatch.setattr(vault.trail, "events", None)
    assert codes(audit(vault)) == {}


def test_a_delete_marker_that_was_removed_before_the_audit_is_only_in_the_event_of_the_undelete(
    vault: BackupVault, run_day: RunDay, tmp_path: Path
) -> None:
    folder = run_day([signal(1, timestamp=f"{NEWEST}T00:00:01Z")], NEWEST).folder
    delete(vault, store_backup(vault, folder, BackupRun("tests")).manifest.backup.key)
    undelete(vault, NEWEST, None, tmp_path)
    audit(vault)
    assert [event.action for event in recorded_events(vault)] == [Action.BACKUP, Action.UNDELETE]


@pytest.mark.parametrize("overwritten", [False, True])
def test_a_permanently_deleted_vouched_version_is_recorded_once(
    vault: BackupVault, tmp_path: Path, overwritten: bool
) -> None:
    for day in DAYS:
        stored = put_day(vault, day, tmp_path)
    if overwritten:
        vault.store.put_bytes(stored.key, b"foreign", "text/csv")
    delete(vault, stored.key, stored.version_id)
    for _ in range(2):
        audit(vault)
    (event,) = deletions(vault)
    assert (event.result, objects(event)) == ("gone", {(stored.key, stored.version_id)})
    vouching = vault.layout.manifest_key(BackupSlot(NEWEST))
    assert event.details == {"day": NEWEST.isoformat(), "vouched_by": vouching}


def test_a_permanently_deleted_quarantine_is_recorded(vault: BackupVault, tmp_path: Path) -> None:
    key = vault.layout.quarantine_key(BackupSlot(NEWEST))
    version_id = vault.store.put_bytes(key, b"x", "text/csv")
    quarantine = {"key": key, "version_id": version_id, "bytes": 1, "sha256": fake_sha256("x")}
    put_day(vault, NEWEST, tmp_path, quarantine=quarantine, quarantined=1)
    audit(vault)
    assert deletions(vault) == []
    delete(vault, key, version_id)
    audit(vault)
    assert [objects(event) for event in deletions(vault)] == [{(key, version_id)}]


def test_a_backup_made_during_the_audit_is_not_recorded_as_deleted(
    vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_day(vault, NEWEST, tmp_path)
    plain = vault.store.list_versions

    def listed_before_another_backup(prefix: str) -> list[ObjectVersion]:
        found = plain(prefix)
        if prefix == vault.layout.quarantine_prefix:
            monkeypatch.setattr(vault.store, "list_versions", plain)
            (tmp_path / "second").mkdir()
            put_day(vault, NEWEST, tmp_path / "second", size=200)
        return found

    monkeypatch.setattr(vault.store, "list_versions", listed_before_another_backup)
    audit(vault)
    assert deletions(vault) == []


def test_an_unreadable_audit_trail_is_a_warning_and_the_other_problems_are_still_reported(
    vault: BackupVault, tmp_path: Path
) -> None:
    stored = put_day(vault, NEWEST, tmp_path)
    for _ in range(2):
        vault.trail.record(Action.VERIFICATION, "passed")
    first = vault.trail.log.key_of(1)
    delete(vault, first, vault.store.list_versions(first)[0].version_id)
    delete(vault, stored.key)
    found = audit(vault)
    both = [ProblemCode.TRAIL_BROKEN, ProblemCode.DELETIONS_NOT_RECORDED]
    assert codes(found) == {NEWEST: [ProblemCode.HIDDEN], None: both}
    _, problem = found.general
    assert (problem.severity, first in problem.what) == (ProblemSeverity.WARN, True)


def test_an_event_in_the_outbox_is_not_recorded_twice(
    vault: BackupVault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = put_day(vault, NEWEST, tmp_path)
    marker = delete(vault, stored.key)
    with_outbox = BackupVault(vault.store, vault.layout, outbox=tmp_path / "outbox")

    def refused(*_: object, **__: object) -> str:
        raise StoreError("AccessDenied")

    with monkeypatch.context() as patch:
        patch.setattr(vault.store, "put_bytes", refused)
        audit(with_outbox)
    assert (deletions(vault), with_outbox.trail.waiting()) == ([], 1)
    audit(with_outbox)
    assert [objects(event) for event in deletions(vault)] == [{(stored.key, marker)}]
