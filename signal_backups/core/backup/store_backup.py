"""Stage three: store the day as a versioned S3 object, read it back and verify it, and then write its manifest.

The extract is compared with the vouched backup of the day first. The new backup keeps every signal of that one, and
adds what is new (``source_changes``); only ``accept_changes`` lets it be less.

The order matters: CSV, read back, verify, quarantine, manifest (first in the manifest log, then for the day), read
back, audit event. After a failure the manifest of the last good backup and the version that it names are still there.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from signal_backups import __version__
from signal_backups.core.backup.hashed_csv import CsvReport, write_hashed_csv
from signal_backups.core.backup.missing_events import (
    backup_details,
    objects_of,
    record_missing_events,
    record_replacement,
)
from signal_backups.core.backup.new_backup import NewBackup, has_quarantine, new_backup
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.source_changes import SourceChanges
from signal_backups.core.backup.vouched_backup import fetch_quarantine
from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.errors import ConflictError
from signal_backups.core.base.logs import log_step
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.vault.genuine import doubtful_manifest, is_in_log, newest_manifest, unknown_manifest
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import (
    CSV_FORMAT,
    CSV_FORMAT_WITH_EXTRAS,
    Manifest,
    Replacement,
    SourceFingerprint,
    StoredFile,
    verification_result,
)
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_csv, put_evidence, read_back, vouching_details, write_manifest

_log = logging.getLogger(__name__)

#: How often a day is stored while other runs store it too.
ATTEMPTS = 3


@dataclass(frozen=True)
class StoreOutcome:
    """The result of storing a day.

    Attributes:
        manifest: the current manifest of the day.
        changed: whether S3 holds anything new of the day; False when the backup was the same already.
        manifest_written: whether a new manifest was written.
        verification: the verification of the stored version.
        seconds: how long it took.
        changes: the database compared with the backup before; None when there was none, or when both were the same.
        replacement: the replacement that this backup is; None for any other backup.
        event: number of the audit event; None while the event is in the outbox.
    """

    manifest: Manifest
    changed: bool
    manifest_written: bool
    verification: VerifyReport
    seconds: float
    changes: SourceChanges | None = None
    replacement: Replacement | None = None
    event: int | None = None


def store_backup(vault: BackupVault, folder: DayFolder, run: BackupRun) -> StoreOutcome:
    """Store the folder's day as its backup, unless the stored backup is already the same.

    Raises:
        StageInputMissingError: there is no CSV.
        VouchedBackupLostError: the backup to compare with is gone or does not verify, and changes are not accepted.
        StoreError: the store cannot be reached or refuses.
        ReadBackError: the CSV was read back with other bytes than were sent; no manifest was written.
        VerificationError: the same for the quarantine or the manifest.
        ConflictError: another run stored the day at the same time.
        SignalBackupsError: the audit event cannot be written, and the vault has no outbox for it.
    """
    outcome = _stored_anew_if_overtaken(vault, folder, run)
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
    # First the replacement: after the event that names the manifest nothing is missing.
    if outcome.replacement is not None:
        _record_replacement(vault, outcome, outcome.replacement)
    event = vault.trail.record(Action.BACKUP, _result(outcome), objects_of(outcome.manifest), _details(outcome))
    return replace(outcome, event=event.number if event else None)


class _OvertakenWhileStoringError(ConflictError):
    """Another run finished between the comparison and the upload, so that what it stored is no longer on top."""


def _stored_anew_if_overtaken(vault: BackupVault, folder: DayFolder, run: BackupRun) -> StoreOutcome:
    """Store the day; compare it once more if the upload covered a backup that it was not compared with."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _store(vault, folder, run)
        except _OvertakenWhileStoringError as error:
            _log.warning("%s; comparing it with that one", error.what)
            folder.merged.unlink(missing_ok=True)
            folder.quarantine_csv.unlink(missing_ok=True)
            write_hashed_csv(folder)
    return _store(vault, folder, run)


def _store(vault: BackupVault, folder: DayFolder, run: BackupRun) -> StoreOutcome:
    started, started_at = time.perf_counter(), run.clock()
    slot = BackupSlot(folder.day)
    before = newest_manifest(vault, slot)
    if before is not None or vault.store.head(vault.layout.backup_key(slot)) is not None:
        record_missing_events(vault, slot, before)
    new = new_backup(vault, folder, run, before)
    doubtful = doubtful_manifest(vault, slot, before)
    if doubtful is not None and doubtful.backup.sha256 != new.report.sha256 and run.accept_changes is None:
        raise unknown_manifest(slot)
    kept = _kept_version(vault, folder, run, before, new)
    if kept is not None and before is not None and _is_all_stored(vault, folder, before, new):
        manifest = _up_to_date(vault, slot, before, new)
        return _outcome(manifest, kept, new, started, changed=False, manifest_written=manifest is not before)
    if kept is not None and before is not None:
        stored, verification = before.backup, kept
    else:
        _require_unchanged(vault, slot, before)
        stored, verification = _put_backup(vault, folder, run, new.report)
    quarantine = _quarantine(vault, folder, before, new.report)
    finished_at = run.clock()
    manifest = Manifest(
        code_version=__version__,
        day=folder.day,
        bucket=vault.store.bucket,
        backup=stored,
        records=new.report.records,
        csv_format=CSV_FORMAT_WITH_EXTRAS if new.report.extra_columns else CSV_FORMAT,
        columns=[*CSV_COLUMNS, *new.report.extra_columns],
        integer_form_records=new.report.integer_form_records,
        quarantined=new.report.quarantined,
        quarantine=quarantine,
        source=_source(new.report),
        run_id=run.run_id,
        started_at=started_at,
        finished_at=finished_at,
        verification=verification_result(verification, finished_at),
        fingerprint=new.fingerprint,
        source_rows=new.report.extract.rows,
        merkle_root=new.report.merkle_root,
        differences=new.differences,
        replacements=_replacements(before, new),
    )
    replaces = vault.store.head(vault.layout.manifest_key(slot))
    _require_unchanged(vault, slot, before, ConflictError if kept else _OvertakenWhileStoringError)
    written = write_manifest(vault, slot, manifest, replaces)
    return _outcome(written, verification, new, started, changed=True, manifest_written=True)


def _require_unchanged(
    vault: BackupVault, slot: BackupSlot, before: Manifest | None, error: type[ConflictError] = ConflictError
) -> None:
    """Refuse to store what was compared with a backup that is no longer the last one."""
    if newest_manifest(vault, slot) != before:
        raise error(
            f"the backup of {slot.day} was overtaken: another run stored the day while this one compared it",
            remedy=f"Run it again: signal-backups backup {slot.day}",
            transient=True,
        )


def _kept_version(
    vault: BackupVault, folder: DayFolder, run: BackupRun, before: Manifest | None, new: NewBackup
) -> VerifyReport | None:
    """The verification of the stored version, when it holds the same CSV and is current; else None."""
    if before is None or before.backup.sha256 != new.report.sha256:
        return None
    current = vault.store.head(before.backup.key)
    if current is None or current.version_id != before.backup.version_id:
        return None
    if new.vouched is not None:
        return new.vouched.verification
    vault.store.get_file(before.backup.key, before.backup.version_id, folder.downloaded_csv)
    verification = verify_csv(folder.downloaded_csv, before.expected, run.verify_sample)
    return verification if verification.ok else None


def _is_all_stored(vault: BackupVault, folder: DayFolder, before: Manifest, new: NewBackup) -> bool:
    """Whether the manifest says all that a new one would, the CSV being the same."""
    return (
        has_quarantine(before, new.report)
        and before.differences == new.differences
        and new.replacement is None
        and (before.quarantine is None or fetch_quarantine(vault, before.quarantine, folder) is not None)
    )


def _up_to_date(vault: BackupVault, slot: BackupSlot, manifest: Manifest, new: NewBackup) -> Manifest:
    """Write a manifest anew that is not current, lacks a newer field, or has not the fingerprint of the database."""
    is_last = manifest.number == max(vault.log_index.numbers(slot.day, slot.day).get(slot, []), default=None)
    is_provable = manifest.merkle_root == new.report.merkle_root and is_last and is_in_log(vault, manifest)
    if manifest.fingerprint == new.fingerprint and is_provable and vault.readable_manifest(slot) == manifest:
        return manifest
    seen = {"fingerprint": new.fingerprint, "source_rows": new.report.extract.rows}
    updated = manifest.model_copy(update=seen | {"merkle_root": new.report.merkle_root})
    return write_manifest(vault, slot, updated)


def _put_backup(
    vault: BackupVault, folder: DayFolder, run: BackupRun, report: CsvReport
) -> tuple[StoredFile, VerifyReport]:
    key, made = vault.layout.backup_key(BackupSlot(folder.day)), FileDigest(report.bytes, report.sha256)
    stored = put_csv(vault, key, folder.backup_csv, made, report.records, folder.day)
    expected = Expected(records=report.records, bytes=report.bytes, sha256=report.sha256)
    return stored, read_back(vault, stored, expected, folder.downloaded_csv, run.verify_sample)


def _quarantine(vault: BackupVault, folder: DayFolder, before: Manifest | None, report: CsvReport) -> StoredFile | None:
    if report.quarantine_sha256 is None:
        return None
    before_file = before.quarantine if before is not None and has_quarantine(before, report) else None
    if before_file is not None and fetch_quarantine(vault, before_file, folder) is not None:
        return before_file
    key = vault.layout.quarantine_key(BackupSlot(folder.day))
    made = FileDigest(folder.quarantine_csv.stat().st_size, report.quarantine_sha256)
    return put_evidence(vault, key, folder.quarantine_csv, made, report.quarantined, folder.day)


def _replacements(before: Manifest | None, new: NewBackup) -> list[Replacement]:
    earlier = before.replacements if before else []
    return [*earlier, new.replacement] if new.replacement else earlier


def _source(report: CsvReport) -> SourceFingerprint:
    return SourceFingerprint.model_validate(
        {**report.extract.source.as_dict(), "snapshot_id": report.extract.snapshot_id}
    )


def _outcome(
    manifest: Manifest,
    verification: VerifyReport,
    new: NewBackup,
    started: float,
    *,
    changed: bool,
    manifest_written: bool,
) -> StoreOutcome:
    seconds = time.perf_counter() - started
    return StoreOutcome(
        manifest, changed, manifest_written, verification, seconds, changes=new.changes, replacement=new.replacement
    )


def _result(outcome: StoreOutcome) -> Result:
    return Result.STORED if outcome.changed else Result.UNCHANGED


def _details(outcome: StoreOutcome) -> dict[str, Any]:
    details = backup_details(outcome.manifest) | {"seconds": round(outcome.seconds, 3)}
    return details | (vouching_details(outcome.manifest) if outcome.manifest_written else {})


def _record_replacement(vault: BackupVault, outcome: StoreOutcome, replacement: Replacement) -> None:
    ids: dict[str, Any] = {}
    if outcome.changes is not None:
        ids["altered_ids"] = outcome.changes.altered.signal_ids
        ids["removed_ids"] = outcome.changes.vanished.signal_ids
    record_replacement(vault, outcome.manifest, replacement, ids)
