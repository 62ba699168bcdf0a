"""Verifying a stored backup: download the version, compare it with its manifest, record the result."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ArchivedError, NotFoundError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.base.logs import log_step
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH, named
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import VerifyReport
from signal_backups.core.vault.day_state import DayState, remedy_for
from signal_backups.core.vault.genuine import is_genuine, newest_manifest
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.vault import BackupVault

_log = logging.getLogger(__name__)


class StoredVerification(BaseModel, frozen=True):
    """The verification of one stored backup; without a manifest only the file itself was checked.

    Attributes:
        is_of_day: whether it is the day's backup; an object beside that says nothing of the day.
        by_checksum: whether archived objects were compared by the checksum that the store keeps of them.
    """

    day: str
    key: str
    version_id: str
    has_manifest: bool
    report: VerifyReport
    is_of_day: bool = Field(True, exclude=True)
    by_checksum: bool = Field(False, exclude=True)

    @property
    def about(self) -> dict[str, str]:
        """The version, as events name it."""
        day = {"day": self.day} if self.is_of_day else {}
        return day | {"key": self.key, "version_id": self.version_id}


def verify_stored(
    vault: BackupVault, backup: StoredBackup, scratch: Path, sample: int | None = None
) -> StoredVerification:
    """Download and verify a stored backup, and record the result; see ``examine_stored``.

    Raises:
        ArchivedError: it has to thaw first.
        StoreError: the store cannot be reached.
    """
    found = examine_stored(vault, backup, scratch, sample)
    record_verification(vault, found)
    return found


def examine_stored(
    vault: BackupVault,
    backup: StoredBackup,
    scratch: Path,
    sample: int | None = None,
    *,
    archived_by_checksum: bool = False,
) -> StoredVerification:
    """Download and verify a stored backup: the version that its manifest names, else the current one.

    It does not verify either when no manifest of the manifest log vouches for it, when anybody who downloads the object
    gets another version, or when the quarantined rows that the manifest names are not there. Only an error is recorded.

    Args:
        vault: where it is.
        backup: which.
        scratch: folder for the downloads.
        sample: how many rows are hashed; None: all.
        archived_by_checksum: compare archived objects by the checksum that the store keeps of them.

    Raises:
        ArchivedError: it has to thaw first.
        StoreError: the store cannot be reached.
    """
    newest = newest_manifest(vault, backup.slot)
    # What the manifest log vouches for is verified, whatever lies on top of it.
    key, manifest = backup.key, newest or backup.manifest
    version_id = manifest.backup.version_id if manifest else backup.current.version_id
    stored = vault.stored_days(backup.slot.day, backup.slot.day).get(backup.slot.day)
    found = StoredVerification(
        day=backup.slot.day.isoformat(),
        key=key,
        version_id=version_id,
        has_manifest=manifest is not None,
        report=VerifyReport(bytes=0, sha256="", problems=[]),
        is_of_day=stored is None or stored.slot == backup.slot,
    )
    fetch = _Fetch(vault, scratch, archived_by_checksum)
    with vault.trail.recording_failure(Action.VERIFICATION, found.about):
        report = _verified(fetch, backup, manifest, sample)
        problems = [
            *report.problems,
            *_about_the_manifest(vault, backup, newest),
            *_about_the_quarantine(fetch, manifest),
        ]
        report = report.model_copy(update={"problems": problems})
    log_step(
        _log,
        "verify",
        backup.slot.day,
        seconds=report.seconds,
        uri=vault.store.uri(key),
        size=report.bytes,
        version_id=version_id,
        result=Result.PASSED if report.ok else Result.FAILED,
    )
    return found.model_copy(update={"report": report, "by_checksum": fetch.compared_checksum})


def record_verification(vault: BackupVault, found: StoredVerification) -> None:
    """Record a verification in an event of its own."""
    report = found.report
    details = {
        **({"day": found.day} if found.is_of_day else {}),
        "has_manifest": found.has_manifest,
        "records": report.records,
        "rows_hashed": report.rows_hashed,
        "sha256": report.sha256,
        "problems": [problem[:PROBLEM_LENGTH] for problem in report.problems],
    }
    result = Result.PASSED if report.ok else Result.FAILED
    vault.trail.record(Action.VERIFICATION, result, [named(found)], details)


@dataclass
class _Fetch:
    """Reads versions into a scratch folder.

    Attributes:
        compared_checksum: whether an archived version was compared by its checksum instead.
    """

    vault: BackupVault
    scratch: Path
    archived_by_checksum: bool
    compared_checksum: bool = False

    @contextmanager
    def file(self, key: str, version_id: str) -> Iterator[Path]:
        """The downloaded version, for the duration of the block."""
        with scratch_folder(self.scratch, "verify-") as folder:
            target = folder / Path(key).name
            self.vault.store.get_file(key, version_id, target)
            yield target

    def checksum(self, key: str, version_id: str, archived: ArchivedError) -> str:
        """The SHA-256 that the store keeps of an archived version; raises ``archived`` when that is no help."""
        sha256 = self.vault.store.sha256_kept(key, version_id) if self.archived_by_checksum else None
        if sha256 is None:
            raise archived
        self.compared_checksum = True
        return sha256


def _verified(fetch: _Fetch, backup: StoredBackup, manifest: Manifest | None, sample: int | None) -> VerifyReport:
    version_id = manifest.backup.version_id if manifest else backup.current.version_id
    try:
        with fetch.file(backup.key, version_id) as file:
            return verify_csv(file, manifest.expected if manifest else None, sample)
    except NotFoundError:
        day = backup.slot.day
        remedy = (
            f"see what is left with: signal-backups versions {day}; make a good version current with: "
            f"signal-backups undelete {day} --version-id VERSION_ID"
        )
        return VerifyReport(bytes=0, sha256="", problems=[f"version {version_id} is gone from S3; {remedy}"])
    except ArchivedError as archived:
        if manifest is None:
            raise
        sha256 = fetch.checksum(backup.key, version_id, archived)
        differs = f"the SHA-256 that the store keeps is {sha256}, that of the manifest {manifest.backup.sha256}"
        return VerifyReport(
            bytes=manifest.backup.bytes, sha256=sha256, problems=[differs] if sha256 != manifest.backup.sha256 else []
        )


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


def _about_the_quarantine(fetch: _Fetch, manifest: Manifest | None) -> Iterator[str]:
    stored = manifest.quarantine if manifest else None
    if manifest is None or stored is None:
        return
    what = f"its quarantined rows, {stored.key} version {stored.version_id},"
    again = f"store them again with: signal-backups backup {manifest.day}"
    try:
        with fetch.file(stored.key, stored.version_id) as file:
            sha256 = digest(file).sha256
    except NotFoundError:
        yield f"{what} are gone from S3; {again}"
        return
    except ArchivedError as archived:
        sha256 = fetch.checksum(stored.key, stored.version_id, archived)
    if sha256 != stored.sha256:
        yield f"{what} are not what the manifest says; {again}"
