"""What a day's new backup holds: the extract alone, merged with the vouched backup, or in place of it."""

from __future__ import annotations

from dataclasses import dataclass

from signal_backups.core.backup.fingerprint import fingerprint_of_extract
from signal_backups.core.backup.hashed_csv import CsvReport, write_hashed_csv
from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.source_changes import SourceChanges, compare_with_vouched
from signal_backups.core.backup.vouched_backup import VouchedBackup, fetch_vouched
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import VouchedBackupLostError
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest, Replacement, SourceDifference, StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_evidence


@dataclass(frozen=True)
class NewBackup:
    """What is to be stored; its files are in the day's folder.

    Attributes:
        report: the CSV and the quarantine.
        fingerprint: of the day as the database had it.
        vouched: the backup that it was compared with; None when there was none, or when both are the same.
        changes: the result of that comparison.
        replacement: set when the changes are accepted.
    """

    report: CsvReport
    fingerprint: str
    vouched: VouchedBackup | None = None
    changes: SourceChanges | None = None
    replacement: Replacement | None = None

    @property
    def differences(self) -> SourceDifference | None:
        """What the database lacks of the backup."""
        changes = self.changes
        if changes is None or changes.agrees or self.replacement is not None:
            return None
        return SourceDifference(altered=changes.altered, vanished=changes.vanished)


def new_backup(vault: BackupVault, folder: DayFolder, run: BackupRun, before: Manifest | None) -> NewBackup:
    """Compare the folder's day with the vouched backup, and write what the new one holds.

    Args:
        vault: where the backups are.
        folder: the folder with extract, CSV and quarantine.
        run: the run.
        before: the manifest that vouches for the backup of the day; None when there was none.

    Raises:
        StageInputMissingError: there is no CSV.
        VouchedBackupLostError: that backup is gone or does not verify, and changes are not accepted.
        VerificationError: the replaced signals were read back with other bytes than were sent.
        StoreError: the store cannot be reached or refuses.
    """
    report = folder.load(CsvReport, "hashed_csv")
    fingerprint = fingerprint_of_extract(folder.extract)
    if before is None or is_same(before, report):
        return NewBackup(report, fingerprint)
    try:
        vouched = fetch_vouched(vault, before, folder, run.verify_sample)
    except VouchedBackupLostError:
        if run.accept_changes is None:
            raise
        return NewBackup(report, fingerprint, replacement=_replacement(vault, run, run.accept_changes))
    stored = vault.store.head(before.backup.key, before.backup.version_id)
    backed_up_on = (stored.last_modified if stored else before.finished_at).date()
    accept = run.accept_changes is not None
    changes = compare_with_vouched(folder, vouched, backed_up_on, accept=accept)
    replacement = None
    if run.accept_changes is not None and changes.is_less:
        rows = None if changes.agrees else _put_replaced(vault, folder, changes)
        replacement = _replacement(vault, run, run.accept_changes, changes, rows)
        if folder.merged.exists():
            report = write_hashed_csv(folder)
    elif changes.needs_merge:
        report = write_hashed_csv(folder, changes)
    return NewBackup(report, fingerprint, vouched, changes, replacement)


def is_same(manifest: Manifest, report: CsvReport) -> bool:
    """Whether the manifest vouches for the same CSV and the same quarantine."""
    return manifest.backup.sha256 == report.sha256 and has_quarantine(manifest, report)


def has_quarantine(manifest: Manifest, report: CsvReport) -> bool:
    """Whether the manifest vouches for the same quarantine, or both have none."""
    return (manifest.quarantine.sha256 if manifest.quarantine else None) == report.quarantine_sha256


def _replacement(
    vault: BackupVault,
    run: BackupRun,
    reason: str,
    changes: SourceChanges | None = None,
    rows: StoredFile | None = None,
) -> Replacement:
    actor = vault.trail.actor
    return Replacement(
        at=run.clock(),
        reason=reason,
        by=f"{actor.user}@{actor.host}",
        altered=changes.altered.count if changes else None,
        removed=changes.vanished.count if changes else None,
        rows=rows,
    )


def _put_replaced(vault: BackupVault, folder: DayFolder, changes: SourceChanges) -> StoredFile:
    key = vault.layout.replaced_key(BackupSlot(folder.day))
    count = changes.altered.count + changes.vanished.count
    return put_evidence(vault, key, folder.replaced_csv, digest(folder.replaced_csv), count, folder.day)
