"""Reconciliation: compares a day in the live source with its backup, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from pydantic import BaseModel

from signal_backups.core.backup.extract import extract_day, extras_of_extract, reading_extract
from signal_backups.core.backup.large_values import with_values_in_pieces
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.base.errors import (
    DeletedBackupError,
    DestroyedBackupError,
    ExitCode,
    NotFoundError,
    SignalBackupsError,
)
from signal_backups.core.restore.fetch import fetch, fetch_quarantine, nearest_good_version, refusal
from signal_backups.core.restore.selection import ChosenBackup, choose_days
from signal_backups.core.signals.compare_rows import RowComparer, RowComparison, row_comparer
from signal_backups.core.signals.difference import Difference
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.findings import Examination, record_findings
from signal_backups.core.vault.vault import BackupVault


class Reconciliation(BaseModel, frozen=True):
    """The result of one day; ``key`` and ``version_id`` are None if it has no backup. Counts are signals.

    Attributes:
        source_rows: rows of the day in the source, good and bad.
        unchanged: the same in both.
        late: only in the source.
        mutated: in both, with different content.
        deleted: only in the backup.
    """

    day: date
    key: str | None
    version_id: str | None
    source_rows: int
    unchanged: int
    late: Difference
    mutated: Difference
    deleted: Difference

    @property
    def is_equal(self) -> bool:
        """Whether source and backup are the same."""
        return not (self.late.count or self.mutated.count or self.deleted.count)

    @property
    def only_late(self) -> bool:
        """Whether a new backup would only add rows."""
        return bool(self.late.count) and not (self.mutated.count or self.deleted.count)

    def __str__(self) -> str:
        """In words: how many signals are late, mutated or deleted."""
        counts = {"late": self.late.count, "mutated": self.mutated.count, "deleted": self.deleted.count}
        return ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) or "equal"


def record_reconciliations(vault: BackupVault, reconciled: Mapping[date, Reconciliation | SignalBackupsError]) -> None:
    """Keep what the reconciliation of some days found as open findings, or clear what an earlier one found.

    Args:
        vault: the backups.
        reconciled: by day, its result, or why its backup could not be compared.
    """
    # Days that are archived were not compared, and days without a backup have states of their own.
    compared = {
        day: found
        for day, found in reconciled.items()
        if (found.exit_code is ExitCode.FAILED if isinstance(found, SignalBackupsError) else found.key is not None)
    }
    days = {
        day: found.what if isinstance(found, SignalBackupsError) else f"the source and the backup differ: {found}"
        for day, found in compared.items()
        if isinstance(found, SignalBackupsError) or not found.is_equal
    }
    record_findings(vault, Examination.RECONCILIATION, days=days, was_examined=lambda day: day in compared)


def reconcile_day(vault: BackupVault, source: SignalSource, folder: DayFolder) -> Reconciliation:
    """Compare the folder's day in the source with its backup; without a backup all its signals are late.

    Raises:
        SourceError: the source cannot be read.
        StoreError: the store cannot be reached.
        RefusedBackupError: the backup does not verify.
        DeletedBackupError: a delete marker hides the backup.
        DestroyedBackupError: no version of the backup is left.
    """
    chosen = _chosen(vault, folder.day)
    if chosen is None:
        return compare_with_source(source, folder, None, lambda _: None)
    fetched = fetch(vault, chosen, folder.path / "backup")
    if not fetched.report.ok:
        raise refusal(fetched, nearest_good_version(vault, chosen, folder.path))
    return compare_with_source(
        source, folder, chosen, lambda comparer: add_backup(comparer, vault, chosen, fetched.csv)
    )


def add_backup(comparer: RowComparer, vault: BackupVault, chosen: ChosenBackup, csv: Path) -> None:
    """Add a backup's good rows from a CSV, and its quarantined rows from the store."""
    comparer.add_backup(csv)
    add_quarantine(comparer, vault, chosen, csv.parent)


def add_quarantine(comparer: RowComparer, vault: BackupVault, chosen: ChosenBackup, folder: Path) -> None:
    """Add the quarantined rows of a backup, so that they do not count as late."""
    quarantine = fetch_quarantine(vault, chosen, folder)
    if quarantine is not None:
        comparer.add_backup(with_values_in_pieces(quarantine, folder), is_quarantine=True)


def compare_with_source(
    source: SignalSource, folder: DayFolder, chosen: ChosenBackup | None, add_backup_rows: Callable[[RowComparer], None]
) -> Reconciliation:
    """Compare the day in the source with the rows that ``add_backup_rows`` adds."""
    extracted = extract_day(source, folder)
    names = extras_of_extract(folder.extract)
    backed_up = chosen.manifest.extra_columns if chosen and chosen.manifest else ()
    common = [name for name in names if name in backed_up]
    with row_comparer(common) as comparer, reading_extract(folder.extract) as held:
        add_backup_rows(comparer)
        comparer.add_database_rows(held, names)
        found: RowComparison = comparer.compare()
    return Reconciliation(
        day=folder.day,
        key=chosen.version.key if chosen else None,
        version_id=chosen.version.version_id if chosen else None,
        source_rows=extracted.rows,
        unchanged=found.unchanged,
        late=found.late,
        mutated=found.mutated,
        deleted=found.deleted,
    )


def _chosen(vault: BackupVault, day: date) -> ChosenBackup | None:
    try:
        (chosen,) = choose_days(vault, day, day)
    except NotFoundError:
        return None
    if isinstance(chosen, ChosenBackup):
        return chosen
    if isinstance(chosen.error, DestroyedBackupError | DeletedBackupError):
        raise chosen.error
    return None
