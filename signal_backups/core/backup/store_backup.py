"""Stage three: store the CSV as a versioned S3 object, read it back and verify it, and then write its manifest.

The order matters: CSV, read back, verify, quarantine, manifest (first in the manifest log, then for the day), read
back, audit event. After a failure the manifest of the last good backup and the version that it names are still there.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from signal_backups import __version__
from signal_backups.core.backup.fingerprint import fingerprint_of_extract
from signal_backups.core.backup.hashed_csv import CsvReport
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.digest import FileDigest, digest
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.logs import log_step
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest, SourceFingerprint, StoredFile, verification_result
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_csv, read_back, vouching_details, write_manifest

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoreOutcome:
    """The result of storing a day.

    Attributes:
        manifest: the current manifest of the day.
        changed: whether a new version was stored; False when S3 already held the same content.
        manifest_written: whether a new manifest was written.
        verification: the verification of the stored version.
        seconds: how long it took.
        event: number of the audit event; None while the event is in the outbox.
    """

    manifest: Manifest
    changed: bool
    manifest_written: bool
    verification: VerifyReport
    seconds: float
    event: int | None = None


@dataclass(frozen=True)
class BackupRun:
    """The run that makes the backup; ``verify_sample`` limits the number of rows that are hashed, None hashes all."""

    run_id: str
    clock: Clock = utc_now
    verify_sample: int | None = None


def store_backup(vault: BackupVault, folder: DayFolder, run: BackupRun) -> StoreOutcome:
    """Store the folder's CSV as the backup of its day, unless the stored backup is already the same.

    Raises:
        StageInputMissingError: there is no CSV.
        StoreError: the store cannot be reached or refuses.
        ReadBackError: the CSV was read back with other bytes than were sent; no manifest was written.
        VerificationError: the same for the quarantine or the manifest.
        SignalBackupsError: the audit event cannot be written, and the vault has no outbox for it.
    """
    outcome = _store(vault, folder, run)
    stored = outcome.manifest.backup
    log_step(
        _log,
        "store",
        folder.day,
        seconds=outcome.seconds,
        uri=vault.store.uri(stored.key),
        size=stored.bytes,
        version_id=stored.version_id,
        result=_result(outcome),
        run_id=run.run_id,
    )
    event = vault.trail.record(Action.BACKUP, _result(outcome), _objects(outcome.manifest), _details(outcome))
    return replace(outcome, event=event.number if event else None)


def _store(vault: BackupVault, folder: DayFolder, run: BackupRun) -> StoreOutcome:
    started, started_at = time.perf_counter(), run.clock()
    report = folder.load(CsvReport, "hashed_csv")
    slot = BackupSlot(folder.day)
    current = vault.readable_manifest(slot)
    fingerprint = fingerprint_of_extract(folder.extract)
    if current is not None and _is_same(current, report):
        verification = _verify_unchanged(vault, current, folder, run)
        if verification is not None:
            manifest = _up_to_date(vault, slot, current, fingerprint, report.merkle_root)
            seconds = time.perf_counter() - started
            return StoreOutcome(manifest, False, manifest is not current, verification, seconds)
    key, made = vault.layout.backup_key(slot), FileDigest(report.bytes, report.sha256)
    stored = put_csv(vault, key, folder.backup_csv, made, report.records, folder.day)
    expected = Expected(records=report.records, bytes=report.bytes, sha256=report.sha256)
    verification = read_back(vault, stored, expected, folder.downloaded_csv, run.verify_sample)
    manifest = _manifest(vault, report, stored, run, started_at, verification, folder, fingerprint)
    written = write_manifest(vault, slot, manifest)
    return StoreOutcome(written, True, True, verification, time.perf_counter() - started)


def _result(outcome: StoreOutcome) -> Result:
    return Result.STORED if outcome.changed else Result.UNCHANGED


def _objects(manifest: Manifest) -> list[ObjectName]:
    files = [manifest.backup, *([manifest.quarantine] if manifest.quarantine else [])]
    return [ObjectName(key=file.key, version_id=file.version_id) for file in files]


def _details(outcome: StoreOutcome) -> dict[str, Any]:
    manifest = outcome.manifest
    details = {
        "day": manifest.day.isoformat(),
        "records": manifest.records,
        "quarantined": manifest.quarantined,
        "sha256": manifest.backup.sha256,
        "seconds": round(outcome.seconds, 3),
    }
    return details | (vouching_details(manifest) if outcome.manifest_written else {})


def _is_same(manifest: Manifest, report: CsvReport) -> bool:
    stored_quarantine = manifest.quarantine.sha256 if manifest.quarantine else None
    return manifest.backup.sha256 == report.sha256 and stored_quarantine == report.quarantine_sha256


def _up_to_date(
    vault: BackupVault, slot: BackupSlot, manifest: Manifest, fingerprint: str, merkle_root: str
) -> Manifest:
    """Replace a manifest that lacks a field of newer releases: without a fingerprint its day would look changed."""
    is_provable = manifest.number is not None and manifest.merkle_root == merkle_root
    if manifest.fingerprint == fingerprint and is_provable:
        return manifest
    updated = manifest.model_copy(update={"fingerprint": fingerprint, "merkle_root": merkle_root})
    return write_manifest(vault, slot, updated)


def _verify_unchanged(vault: BackupVault, manifest: Manifest, folder: DayFolder, run: BackupRun) -> VerifyReport | None:
    """Verify the stored backup against its manifest; None when it differs, so that the day must be stored again."""
    current = vault.store.head(manifest.backup.key)
    if current is None or current.version_id != manifest.backup.version_id:
        return None
    vault.store.get_file(manifest.backup.key, manifest.backup.version_id, folder.downloaded_csv)
    verification = verify_csv(folder.downloaded_csv, manifest.expected, run.verify_sample)
    return verification if verification.ok else None


def _manifest(
    vault: BackupVault,
    report: CsvReport,
    stored: StoredFile,
    run: BackupRun,
    started_at: datetime,
    verification: VerifyReport,
    folder: DayFolder,
    fingerprint: str,
) -> Manifest:
    quarantine = _store_quarantine(vault, report, folder)
    finished_at = run.clock()
    return Manifest(
        code_version=__version__,
        day=folder.day,
        bucket=vault.store.bucket,
        backup=stored,
        records=report.records,
        columns=list(CSV_COLUMNS),
        integer_form_records=report.integer_form_records,
        quarantined=report.quarantined,
        quarantine=quarantine,
        source=SourceFingerprint.model_validate({**report.extract.source, "snapshot_id": report.extract.snapshot_id}),
        run_id=run.run_id,
        started_at=started_at,
        finished_at=finished_at,
        verification=verification_result(verification, finished_at),
        fingerprint=fingerprint,
        merkle_root=report.merkle_root,
    )


def _store_quarantine(vault: BackupVault, report: CsvReport, folder: DayFolder) -> StoredFile | None:
    if report.quarantine_sha256 is None:
        return None
    key = vault.layout.quarantine_key(BackupSlot(folder.day))
    made = FileDigest(folder.quarantine_csv.stat().st_size, report.quarantine_sha256)
    stored = put_csv(vault, key, folder.quarantine_csv, made, report.quarantined, folder.day)
    downloaded = folder.quarantine_csv.with_suffix(".downloaded")
    vault.store.get_file(key, stored.version_id, downloaded)
    if digest(downloaded).sha256 != stored.sha256:
        raise VerificationError(f"{vault.store.uri(key)} is not what was sent", remedy="Run it again")
    return stored
