"""The audit events of verifications: one each, whether it passed, failed or could not be done."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.ledger.event import Action
from signal_backups.core.vault import verify_stored as module
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY


@pytest.fixture
def manifest(vault: BackupVault, three: DayRun) -> Manifest:
    return store_backup(vault, three.folder, BackupRun("run")).manifest


def test_a_backup_that_verifies_is_one_event(vault: BackupVault, manifest: Manifest, tmp_path: Path) -> None:
    verify_stored(vault, vault.find(DAY), tmp_path)
    (event,) = recorded_events(vault, Action.VERIFICATION)
    assert (event.result, objects(event)) == ("passed", {(manifest.backup.key, manifest.backup.version_id)})
    assert event.details == {
        "day": DAY.isoformat(),
        "has_manifest": True,
        "records": 3,
        "rows_hashed": 3,
        "sha256": manifest.backup.sha256,
        "problems": [],
    }


def test_one_that_does_not_is_an_event_with_the_beginning_of_each_problem(
    vault: BackupVault, manifest: Manifest, tmp_path: Path
) -> None:
    foreign = vault.store.put_bytes(manifest.backup.key, b"x" * 5000, "text/csv")
    claimed = manifest.model_copy(update={"backup": manifest.backup.model_copy(update={"version_id": foreign})})
    write_manifest(vault, BackupSlot(DAY), claimed)
    found = verify_stored(vault, vault.find(DAY), tmp_path)
    (event,) = recorded_events(vault, Action.VERIFICATION)
    assert (event.result, objects(event)) == ("failed", {(manifest.backup.key, foreign)})
    assert event.details["problems"] == [problem[:100] for problem in found.report.problems] != []


def test_one_that_is_gone_is_an_event_with_its_key(vault: BackupVault, manifest: Manifest, tmp_path: Path) -> None:
    backup = vault.find(DAY)
    key, version_id = manifest.backup.key, manifest.backup.version_id
    vault.store._client.delete_object(Bucket=vault.store.bucket, Key=key, VersionId=version_id)
    verify_stored(vault, backup, tmp_path)
    (event,) = recorded_events(vault, Action.VERIFICATION)
    assert event.result == "failed"
    assert [(each.key, each.version_id) for each in event.objects] == [(key, version_id)]
    (problem,) = event.details["problems"]
    assert problem.startswith(f"version {version_id} is gone from S3; ")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_one_that_somebody_interrupted_is_no_event(
    vault: BackupVault, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupt: BaseException
) -> None:
    def fail(*_: object) -> NoReturn:
        raise interrupt

    monkeypatch.setattr(module, "verify_csv", fail)
    with pytest.raises(type(interrupt)):
        verify_stored(vault, vault.find(DAY), tmp_path)
    assert recorded_events(vault, Action.VERIFICATION) == []
