"""The entries of a backup in the manifest log and in the audit trail."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import StoreOutcome, store_backup
from signal_backups.core.base.errors import StoreError, VerificationError
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.ledger.event import Action, Actor
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.orchestration.faulty import WithoutAudit
from signal_backups_tests.samples.days import RunDay, read_csv
from signal_backups_tests.samples.signals import DAY, Row, signal, signals

NEXT_DAY = date(2026, 11, 2)
SLOT = BackupSlot(DAY)
RUN = BackupRun("run-1", lambda: datetime(2026, 11, 3, 2, 0, tzinfo=UTC))

BackUp = Callable[..., StoreOutcome]


@pytest.fixture
def back_up(run_day: RunDay) -> BackUp:
    """Makes a table of the rows and backs up one day of it."""
    numbers = iter(range(1000))

    def back_up(vault: BackupVault, rows: list[Row], day: date = DAY) -> StoreOutcome:
        return store_backup(vault, run_day(rows, day=day, file=f"table-{next(numbers)}.db").folder, RUN)

    return back_up


def root(hashes: list[bytes]) -> bytes:
    """The Merkle tree hash, written directly from RFC 6962, section 2.1."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return sha256(b"\0" + hashes[0]).digest()
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:half]) + root(hashes[half:])).digest()


def day_manifest(vault: BackupVault, slot: BackupSlot = SLOT) -> bytes:
    return vault.store.get_bytes(vault.layout.manifest_key(slot))[0]


def events(vault: BackupVault) -> list[dict[str, Any]]:
    """The events as they are stored."""
    return [json.loads(entry.body) for entry in vault.trail.log.entries()]


def test_each_manifest_carries_the_hash_of_the_one_before(back_up: BackUp, vault: BackupVault) -> None:
    back_up(vault, signals(3))
    back_up(vault, [], NEXT_DAY)
    back_up(vault, signals(4))
    entries = list(vault.manifest_log.entries())
    manifests = [Manifest.from_bytes(entry.body, entry.key) for entry in entries]
    assert [(manifest.number, manifest.day) for manifest in manifests] == [(1, DAY), (2, NEXT_DAY), (3, DAY)]
    assert [manifest.previous for manifest in manifests] == [FIRST, *(sha256(e.body).hexdigest() for e in entries[:-1])]
    assert day_manifest(vault) == entries[2].body
    assert day_manifest(vault, BackupSlot(NEXT_DAY)) == entries[1].body


def test_backing_up_again_does_not_change_earlier_log_entries(back_up: BackUp, vault: BackupVault) -> None:
    back_up(vault, signals(3))
    (first,) = vault.manifest_log.versions().values()
    back_up(vault, signals(4))
    versions = vault.manifest_log.versions()
    assert versions[1] == first
    assert [len(versions[number]) for number in sorted(versions)] == [1, 1]


def test_an_unchanged_day_adds_nothing_to_the_manifest_log(back_up: BackUp, vault: BackupVault) -> None:
    back_up(vault, signals(3))
    assert not back_up(vault, signals(3)).manifest_written
    assert sorted(vault.manifest_log.versions()) == [1]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_the_manifest_carries_the_root_of_the_rows(
    back_up: BackUp, vault: BackupVault, tmp_path: Path, count: int
) -> None:
    rows = [*signals(count), signal(count + 1, as_integer=["entry_price"], entry_price=87.0), signal(99, action="HOLD")]
    manifest = back_up(vault, rows).manifest
    target = tmp_path / "stored.csv"
    vault.store.get_file(manifest.backup.key, manifest.backup.version_id, target)
    hashes = [bytes.fromhex(record["verification_hash"] or "") for record in read_csv(target)]
    assert len(hashes) == count + 1
    assert manifest.merkle_root == root(hashes).hex()


def test_the_next_backup_adds_an_unchained_day_to_the_manifest_log(back_up: BackUp, vault: BackupVault) -> None:
    before = back_up(vault, signals(3)).manifest
    old = before.model_copy(update={"merkle_root": None, "number": None, "previous": None})
    vault.store.put_bytes(vault.layout.manifest_key(SLOT), old.to_bytes(), "application/json")
    again = back_up(vault, signals(3))
    assert (again.changed, again.manifest_written) == (False, True)
    assert (again.manifest.number, again.manifest.merkle_root) == (2, before.merkle_root)
    assert again.manifest.backup == before.backup
    assert day_manifest(vault) == list(vault.manifest_log.entries())[1].body
    assert events(vault)[1]["details"]["manifest"]["number"] == 2


def test_the_event_of_a_backup_names_what_was_stored_and_carries_the_manifests_hash(
    back_up: BackUp, store: S3ObjectStore
) -> None:
    vault = BackupVault(store, Layout(), actor=Actor(user="ann", host="desk", run_id="run-1", code_version="1.2.3"))
    outcome = back_up(vault, [*signals(3), signal(4, action="HOLD")])
    (event,) = events(vault)
    manifest = outcome.manifest
    assert manifest.quarantine is not None
    assert outcome.event == event["number"] == 1
    assert (event["action"], event["result"], event["previous"]) == ("backup", "stored", FIRST)
    assert event["actor"] == {"user": "ann", "host": "desk", "run_id": "run-1", "code_version": "1.2.3"}
    assert event["objects"] == [
        {"key": file.key, "version_id": file.version_id} for file in (manifest.backup, manifest.quarantine)
    ]
    (entry,) = vault.manifest_log.entries()
    assert event["details"]["manifest"] == {"number": 1, "sha256": sha256(entry.body).hexdigest()}
    shown = {name: event["details"][name] for name in ("day", "records", "quarantined", "sha256")}
    assert shown == {"day": "2026-11-01", "records": 3, "quarantined": 1, "sha256": manifest.backup.sha256}


def test_an_unchanged_day_has_an_event_that_names_no_manifest(back_up: BackUp, vault: BackupVault) -> None:
    back_up(vault, signals(3))
    back_up(vault, signals(3))
    second = events(vault)[1]
    assert second["result"] == "unchanged"
    assert "manifest" not in second["details"]


@pytest.fixture
def without_audit(store: S3ObjectStore, tmp_path: Path) -> BackupVault:
    return BackupVault(WithoutAudit(store._client, store.bucket), Layout(), outbox=tmp_path / "outbox")


def test_when_an_event_cannot_be_written_the_backup_is_kept_and_the_event_written_later(
    back_up: BackUp, without_audit: BackupVault
) -> None:
    outcome = back_up(without_audit, signals(3))
    assert (outcome.changed, outcome.event) == (True, None)
    assert without_audit.find(DAY).is_vouched
    assert (events(without_audit), without_audit.trail.waiting()) == ([], 1)
    without_audit.store.refuses = False  # type: ignore[attr-defined]
    assert back_up(without_audit, [], NEXT_DAY).event == 2
    first, second = events(without_audit)
    assert (first["details"]["day"], second["details"]["day"]) == ("2026-11-01", "2026-11-02")
    assert (first["action"], first["details"]["manifest"]["number"]) == (Action.BACKUP, 1)
    assert without_audit.trail.waiting() == 0


def test_without_an_outbox_an_event_that_cannot_be_written_is_an_error_and_the_backup_is_kept(
    back_up: BackUp, store: S3ObjectStore
) -> None:
    vault = BackupVault(WithoutAudit(store._client, store.bucket), Layout())
    with pytest.raises(StoreError, match="audit/events"):
        back_up(vault, signals(3))
    assert vault.find(DAY).is_vouched


class DamagedManifestLog(S3ObjectStore):
    """Reads back other bytes than were sent, in the manifest log only."""

    def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
        body, found = super().get_bytes(key, version_id)
        return (body + b" " if key.startswith("audit/manifests/") else body), found


def test_a_log_entry_read_back_with_other_bytes_leaves_the_last_good_manifest(
    back_up: BackUp, vault: BackupVault, store: S3ObjectStore
) -> None:
    good = back_up(vault, signals(3)).manifest
    with pytest.raises(VerificationError, match=r"audit/manifests/0000000/0000000002\.json is not what was sent"):
        back_up(BackupVault(DamagedManifestLog(store._client, store.bucket), Layout()), signals(4))
    assert vault.manifest(SLOT) == good
