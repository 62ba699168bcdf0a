"""Downloads a chosen backup and verifies it, before anything is imported."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import (
    NotFoundError,
    QuarantineLostError,
    RefusedBackupError,
    SignalBackupsError,
)
from signal_backups.core.restore.selection import ChosenBackup, good_versions
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class FetchedBackup:
    """A downloaded backup and the report of its verification."""

    chosen: ChosenBackup
    csv: Path
    report: VerifyReport
    download_seconds: float


@dataclass(frozen=True)
class FetchFailure:
    """A chosen backup that could not be downloaded."""

    chosen: ChosenBackup
    error: SignalBackupsError


def fetch(vault: BackupVault, chosen: ChosenBackup, folder: Path) -> FetchedBackup:
    """Download one version and verify its hash, structure, number of rows, and every row.

    Raises:
        NotFoundError: the version does not exist.
        ArchivedError: it must be thawed first.
        StoreError: the store cannot be reached.
    """
    started = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    csv = folder / Path(chosen.version.key).name
    vault.store.get_file(chosen.version.key, chosen.version.version_id, csv)
    downloaded = time.perf_counter()
    report = verify_csv(csv, _expected(vault, chosen))
    if chosen.manifest is None and chosen.doubt:
        report = report.model_copy(update={"problems": [*report.problems, chosen.doubt]})
    return FetchedBackup(chosen, csv, report, downloaded - started)


def fetch_or_failure(vault: BackupVault, chosen: ChosenBackup, folder: Path) -> FetchedBackup | FetchFailure:
    """Like ``fetch``, but return an expected error, because days are fetched ahead of their import."""
    try:
        return fetch(vault, chosen, folder)
    except SignalBackupsError as error:
        return FetchFailure(chosen, error)


def fetch_quarantine(vault: BackupVault, chosen: ChosenBackup, folder: Path) -> Path | None:
    """Download the day's quarantined rows; None if there are none.

    Raises:
        QuarantineLostError: they are gone, or do not match the manifest.
        ArchivedError: they must be thawed first.
        StoreError: the store cannot be reached.
    """
    stored = chosen.manifest.quarantine if chosen.manifest else None
    if stored is None:
        return None
    csv = folder / Path(stored.key).name
    what = f"the quarantined rows, {vault.store.uri(stored.key)} version {stored.version_id},"
    try:
        vault.store.get_file(stored.key, stored.version_id, csv)
    except NotFoundError as error:
        raise _lost_quarantine(f"{what} are gone from S3", chosen) from error
    if digest(csv).sha256 != stored.sha256:
        raise _lost_quarantine(f"{what} are not what the manifest says", chosen)
    return csv


def _lost_quarantine(what: str, chosen: ChosenBackup) -> QuarantineLostError:
    return QuarantineLostError(
        f"{what}; the good rows of {chosen.day} are not affected",
        remedy="If the database still has them, store them again with: signal-backups backup "
        f"{chosen.day}; then run this again",
    )


def nearest_good_version(vault: BackupVault, refused: ChosenBackup, folder: Path) -> ChosenBackup | None:
    """Return the version of the day that is nearest in time and verifies now; None if there is none."""
    history = vault.history(refused.slot)
    candidates = good_versions(history) if history else []
    for candidate in sorted(
        candidates, key=lambda other: abs(other.version.last_modified - refused.version.last_modified)
    ):
        if candidate.version.version_id != refused.version.version_id and _is_good(vault, candidate, folder):
            return candidate
    return None


def refusal(fetched: FetchedBackup, offered: ChosenBackup | None, otherwise: str = "") -> RefusedBackupError:
    """Return the error that names the faults of a backup, row by row, and the version to use instead.

    Args:
        fetched: the backup.
        offered: the nearest good version; None when there is none.
        otherwise: what else can be done then.
    """
    chosen = fetched.chosen
    rows = [f"row {row.row} ({row.signal_id}) {row.reason}" for row in fetched.report.bad_rows]
    remedy = (
        "No other version of this day verifies. If the database still has the same signals, store them again with: "
        f"signal-backups backup {chosen.day}{otherwise}"
    )
    if offered is not None:
        version = offered.version
        remedy = (
            f"The nearest good version is of {version.last_modified:%Y-%m-%dT%H:%M:%SZ}. Make it current with: "
            f"signal-backups undelete {chosen.day} --version-id {version.version_id}; or restore it alone: "
            f"--key {version.key} --version-id {version.version_id}"
        )
    return RefusedBackupError(
        f"{chosen.version.key} version {chosen.version.version_id} does not verify and was refused: "
        f"{'; '.join([*fetched.report.problems, *rows])}",
        remedy=remedy,
    )


def _expected(vault: BackupVault, chosen: ChosenBackup) -> Expected | None:
    """Return what the file must match: its manifest, else the metadata of the object."""
    if chosen.manifest is not None:
        return chosen.manifest.expected
    metadata = vault.store.metadata(chosen.version.key, chosen.version.version_id)
    try:
        return Expected(records=int(metadata["record_count"]), bytes=chosen.version.size, sha256=metadata["sha256"])
    except (KeyError, ValueError):
        return None  # objects of older tools have no such metadata


def _is_good(vault: BackupVault, candidate: ChosenBackup, folder: Path) -> bool:
    try:
        fetched = fetch(vault, candidate, folder / "offered")
    except SignalBackupsError:
        return False
    fetched.csv.unlink()
    return fetched.report.ok
