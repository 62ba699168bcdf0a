"""Verifying a stored backup: download the version, compare it with its manifest, record the result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.base.logs import log_step
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.day_state import DayState, remedy_for
from signal_backups.core.vault.genuine import is_genuine, newest_manifest
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault

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

    It does not verify either when no manifest of the manifest log vouches for it, when anybody who downloads the object
    gets another version, or when the quarantined rows that the manifest names are not there.

    Raises:
        ArchivedError: it has to thaw first.
        StoreError: the store cannot be reached.
        LocalStorageError: the scratch folder cannot be written.
    """
    newest = newest_manifest(vault, backup.slot)
    # What the manifest log vouches for is verified, whatever lies on top of it.
    key, manifest = backup.key, newest or backup.manifest
    version_id = manifest.backup.version_id if manifest else backup.current.version_id
    about = {"day": backup.slot.day.isoformat(), "key": key, "version_id": version_id}
    stored = vault.stored_days(backup.slot.day, backup.slot.day).get(backup.slot.day)
    # An object beside the day's backup says nothing of the day.
    recorded = {name: value for name, value in about.items() if name != "day"} if _is_beside(backup, stored) else about
    with vault.trail.recording_failure(Action.VERIFICATION, recorded):
        report = _verified(vault, backup, manifest, scratch, sample)
        problems = [
            *report.problems,
            *_about_the_manifest(vault, backup, newest),
            *_about_the_quarantine(vault, manifest, scratch),
        ]
        report = report.model_copy(update={"problems": problems})
    details = {
        **({"day": about["day"]} if "day" in recorded else {}),
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


def _is_beside(backup: StoredBackup, stored: StoredDay | None) -> bool:
    return stored is not None and stored.slot != backup.slot


def _verified(
    vault: BackupVault, backup: StoredBackup, manifest: Manifest | None, scratch: Path, sample: int | None
) -> VerifyReport:
    version_id = manifest.backup.version_id if manifest else backup.current.version_id
    with scratch_folder(scratch, "verify-") as folder:
        target = folder / Path(backup.key).name
        try:
            vault.store.get_file(backup.key, version_id, target)
        except NotFoundError:
            day = backup.slot.day
            remedy = (
                f"see what is left with: signal-backups versions {day}; make a good version current with: "
                f"signal-backups undelete {day} --version-id VERSION_ID"
            )
            return VerifyReport(bytes=0, sha256="", problems=[f"version {version_id} is gone from S3; {remedy}"])
        return verify_csv(target, manifest.expected if manifest else None, sample)


def _about_the_manifest(vault: BackupVault, backup: StoredBackup, newest: Manifest | None) -> Iterator[str]:
    manifest, day = backup.manifest, backup.slot.day
    if manifest is None:
        yield f"no manifest vouches for it; make one with: signal-backups backup {day}"
        return
    if not is_genuine(vault, backup.slot, manifest):
        yield "its manifest is not in the manifest log: it was forged or rewritten. See: signal-backups audit verify"
        return
    if newest is not None and newest != manifest:
        yield (
            f"manifest {manifest.number} is not the newest of {day} in the manifest log: it was rolled back, or a "
            f"backup was interrupted. {remedy_for(DayState.TAMPERED, [day])}"
        )
    vouched, current = (newest or manifest).backup.version_id, backup.current.version_id
    if vouched != current and vault.store.head(backup.key, vouched) is not None:
        yield (
            f"the current version {current} is not this one, which the manifest vouches for: bring it back with "
            f"signal-backups undelete {day} --version-id {vouched}"
        )


def _about_the_quarantine(vault: BackupVault, manifest: Manifest | None, scratch: Path) -> Iterator[str]:
    stored = manifest.quarantine if manifest else None
    if manifest is None or stored is None:
        return
    what = f"its quarantined rows, {stored.key} version {stored.version_id},"
    again = f"store them again with: signal-backups backup {manifest.day}"
    with scratch_folder(scratch, "verify-") as folder:
        target = folder / Path(stored.key).name
        try:
            vault.store.get_file(stored.key, stored.version_id, target)
        except NotFoundError:
            yield f"{what} are gone from S3; {again}"
            return
        if digest(target).sha256 != stored.sha256:
            yield f"{what} are not what the manifest says; {again}"
