"""Verifying what S3 holds: download one version, hold it against its manifest, and report.

What belongs here: choosing the version and fetching it. What does not: judging a file (``verify``).
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

from signal_backups.core.vault import BackupVault, StoredBackup
from signal_backups.core.verify import VerifyReport, verify_csv


class StoredVerification(BaseModel):
    """The verification of one stored backup; without a manifest only the file itself was judged."""

    model_config = ConfigDict(frozen=True)

    day: str
    key: str
    version_id: str
    has_manifest: bool
    report: VerifyReport


def verify_stored(
    vault: BackupVault, backup: StoredBackup, scratch: Path, sample: int | None = None
) -> StoredVerification:
    """Download and verify a stored backup: the version its manifest names, else the current one.

    Raises:
        NotFoundError: the version is gone.
    """
    manifest = backup.manifest
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="verify-") as folder:
        version_id = manifest.backup.version_id if manifest else backup.current.version_id
        target = Path(folder) / Path(backup.key).name
        vault.store.get_file(backup.key, version_id, target)
        report = verify_csv(target, manifest.expected if manifest else None, sample)
    return StoredVerification(
        day=backup.slot.day.isoformat(),
        key=backup.key,
        version_id=version_id,
        has_manifest=manifest is not None,
        report=report,
    )
