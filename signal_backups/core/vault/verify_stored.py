"""Verifying a stored backup: download the version, compare it with its manifest, record the result."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from signal_backups.core.base.logs import log_step
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.vault import BackupVault, StoredBackup

_log = logging.getLogger(__name__)


class StoredVerification(BaseModel, frozen=True):
    """The verification of one stored backup; without a manifest only the file itself was checked."""

    day: str
    key: str
    version_id: str
    has_manifest: bool
    report: VerifyReport


def verify_stored(
    vault: BackupVault, backup: StoredBackup, scratch: Path, sample: int | None = None
) -> StoredVerification:
    """Download and verify a stored backup: the version that its manifest names, else the current one.

    Raises:
        NotFoundError: the version is gone.
    """
    key, manifest = backup.key, backup.manifest
    version_id = manifest.backup.version_id if manifest else backup.current.version_id
    about = {"day": backup.slot.day.isoformat(), "key": key, "version_id": version_id}
    with vault.trail.recording_failure(Action.VERIFICATION, about):
        report = _verified(vault, backup, version_id, scratch, sample)
    details = {
        "day": backup.slot.day.isoformat(),
        "has_manifest": manifest is not None,
        "records": report.records,
        "rows_hashed": report.rows_hashed,
        "sha256": report.sha256,
        "problems": [problem[:PROBLEM_LENGTH] for problem in report.problems],
    }
    result = Result.PASSED if report.ok else Result.FAILED
    log_step(
        _log,
        "verify",
        backup.slot.day,
        seconds=report.seconds,
        uri=vault.store.uri(key),
        size=report.bytes,
        version_id=version_id,
        result=result,
    )
    vault.trail.record(Action.VERIFICATION, result, [ObjectName(key=key, version_id=version_id)], details)
    return StoredVerification(**about, has_manifest=manifest is not None, report=report)


def _verified(
    vault: BackupVault, backup: StoredBackup, version_id: str, scratch: Path, sample: int | None
) -> VerifyReport:
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="verify-") as folder:
        target = Path(folder) / Path(backup.key).name
        vault.store.get_file(backup.key, version_id, target)
        return verify_csv(target, backup.manifest.expected if backup.manifest else None, sample)
