"""The backup that a new one is compared with: what the newest manifest of the day vouches for, read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.undated import fetch_kept
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError, VouchedBackupLostError
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class VouchedBackup:
    """A vouched version, downloaded and verified.

    Attributes:
        manifest: the manifest that vouches for it.
        csv: the downloaded CSV.
        quarantine: the downloaded quarantine; None when there is none, or when it is lost.
        verification: the verification of the CSV.
        undated: the kept rows that belong to no day, which earlier releases put into the quarantine of every day; None
            when there are none, or when the backup has no quarantine.
    """

    manifest: Manifest
    csv: Path
    quarantine: Path | None
    verification: VerifyReport
    undated: Path | None = None


def fetch_vouched(
    vault: BackupVault, manifest: Manifest, folder: DayFolder, verify_sample: int | None
) -> VouchedBackup:
    """Download what a manifest vouches for, and verify it.

    Raises:
        VouchedBackupLostError: it is gone, or does not verify.
        ArchivedError: it has to thaw first.
        StoreError: the store cannot be reached.
    """
    stored = manifest.backup
    what = f"the backup of {manifest.day}, {vault.store.uri(stored.key)} version {stored.version_id},"
    csv = folder.vouched_csv
    try:
        vault.store.get_file(stored.key, stored.version_id, csv)
    except NotFoundError as error:
        raise _lost(f"{what} is gone from S3", manifest) from error
    verification = verify_csv(csv, manifest.expected, verify_sample)
    if not verification.ok:
        raise _lost(f"{what} does not verify any more: {'; '.join(verification.problems)}", manifest)
    quarantine = fetch_quarantine(vault, manifest.quarantine, folder) if manifest.quarantine else None
    undated = fetch_kept(vault, folder.path) if quarantine is not None else None
    return VouchedBackup(manifest, csv, quarantine, verification, undated)


def fetch_quarantine(vault: BackupVault, stored: StoredFile, folder: DayFolder) -> Path | None:
    """Download the quarantined rows of a backup; None when they are gone, or are not what the manifest says."""
    try:
        vault.store.get_file(stored.key, stored.version_id, folder.vouched_quarantine)
    except NotFoundError:
        return None
    return folder.vouched_quarantine if digest(folder.vouched_quarantine).sha256 == stored.sha256 else None


def _lost(what: str, manifest: Manifest) -> VouchedBackupLostError:
    return VouchedBackupLostError(
        f"{what}: a new backup would cover that up",
        remedy=f"See what is left with: signal-backups versions {manifest.day}; make a good version current with: "
        f"signal-backups undelete {manifest.day} --version-id VERSION_ID; only if there is none and the database is to "
        f'be taken as it is: signal-backups backup {manifest.day} --accept-changes "REASON"',
    )
