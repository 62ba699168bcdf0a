"""Keeping the rows of the database that belong to no day, in one object of their own.

A row belongs to no day when its timestamp is no instant and begins with no date, or is before the first partition or
after today. No backup of a day reads such rows, so they are looked for once a day, by themselves. The object only
grows: a row that the database no longer has, or that got a day, stays in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from signal_backups.core.backup.undated_tables import Partitions, undated_tables
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.findings import Examination, newest_findings, record_undated
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_evidence


def keep_undated(vault: BackupVault, source: SignalSource, folder: Path, partitions: Partitions) -> UndatedRows:
    """Store the undated rows of the database, together with those that were kept before, and record what there is.

    Args:
        vault: where to.
        source: the database.
        folder: an empty scratch folder.
        partitions: the days that rows can belong to.

    Raises:
        SourceError: the database cannot be read.
        StoreError: the store cannot be reached or refuses.
        VerificationError: the store returns other bytes than were sent.
    """
    before, general = _kept_before(vault, folder)
    with undated_tables(source, folder, partitions, before.csv if before else None) as tables:
        undated = tables.summary()
        stored = None
        if before is not None or undated.rows:
            target = folder / "undated.csv"
            tables.write(target)
            stored = _stored(vault, target, undated.rows, before.stored if before else None, partitions.today)
    undated = undated.model_copy(update={"stored": stored})
    record_undated(vault, undated, general)
    return undated


def compare_undated(
    vault: BackupVault, source: SignalSource, folder: Path, partitions: Partitions
) -> tuple[UndatedRows, UndatedRows]:
    """The undated rows of the database, and those of them that are not kept yet; stores nothing.

    Raises:
        SourceError: the database cannot be read.
        StoreError: the store cannot be reached.
    """
    before, _ = _kept_before(vault, folder)
    with undated_tables(source, folder, partitions, before.csv if before else None) as tables:
        return tables.summary(), tables.summary("new_rows")


@dataclass(frozen=True)
class _Kept:
    """What was kept before, downloaded."""

    stored: StoredFile
    csv: Path


def _kept_before(vault: BackupVault, folder: Path) -> tuple[_Kept | None, list[str]]:
    """What is kept by now, and what is wrong with it, until somebody accepts that."""
    found = newest_findings(vault).get(Examination.UNDATED_SIGNALS)
    wrong = found.general if found is not None else []
    stored = found.undated.stored if found is not None and found.undated is not None else None
    if stored is None:
        return None, wrong
    csv = fetch_undated(vault, stored, folder)
    if csv is None:
        what = f"the undated rows, {vault.store.uri(stored.key)} version {stored.version_id}, are gone or were altered"
        return None, [*wrong, f"{what}; those that the database still has are stored again"]
    return _Kept(stored, csv), wrong


def fetch_kept(vault: BackupVault, folder: Path) -> Path | None:
    """Download the undated rows that are kept by now; None when there are none.

    Raises:
        StoreError: the store cannot be reached.
    """
    before, _ = _kept_before(vault, folder)
    return before.csv if before is not None else None


def fetch_undated(vault: BackupVault, stored: StoredFile, folder: Path) -> Path | None:
    """Download kept undated rows; None when they are gone, or are not what was recorded.

    Raises:
        StoreError: the store cannot be reached.
    """
    csv = folder / "kept_undated.csv"
    try:
        vault.store.get_file(stored.key, stored.version_id, csv)
    except NotFoundError:
        return None
    return csv if digest(csv).sha256 == stored.sha256 else None


def _stored(vault: BackupVault, csv: Path, rows: int, before: StoredFile | None, today: date) -> StoredFile:
    made = digest(csv)
    if before is not None and before.sha256 == made.sha256:
        return before
    return put_evidence(vault, vault.layout.undated_key, csv, made, rows, today)
