"""Rows that name no day, which earlier releases put into the quarantine of every day, go to the undated rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.backup.undated import keep_undated
from signal_backups.core.backup.undated_tables import Partitions
from signal_backups.core.base.digest import digest
from signal_backups.core.signals.fields import QUARANTINE_COLUMNS
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_evidence, write_manifest
from signal_backups_tests.samples.days import RunDay, read_csv
from signal_backups_tests.samples.signals import DAY, Row, signal
from signal_backups_tests.samples.tables import sqlite_table

SLOT = BackupSlot(DAY)
BAD = signal(1, action="HOLD")
UNDATED = signal(2, timestamp="yesterday")


def stored_as_before(vault: BackupVault, run_day: RunDay, tmp_path: Path) -> Manifest:
    """A backup of a day whose quarantine has a row of the day, and one that names no day."""
    manifest = back_up(vault, run_day, [BAD, signal(3)], "before")
    assert manifest.quarantine is not None
    csv = tmp_path / "old_quarantine.csv"
    vault.store.get_file(manifest.quarantine.key, manifest.quarantine.version_id, csv)
    texts = {**UNDATED, "quarantine_faults": "schema", "quarantine_reason": "timestamp is not an instant"}
    with csv.open("a", encoding="utf-8") as file:
        file.write(",".join(str(texts.get(name, "")) for name in QUARANTINE_COLUMNS) + "\n")
    stored = put_evidence(vault, manifest.quarantine.key, csv, digest(csv), 2, DAY)
    return write_manifest(vault, SLOT, manifest.model_copy(update={"quarantine": stored, "quarantined": 2}))


def back_up(vault: BackupVault, run_day: RunDay, rows: list[Row], run_id: str) -> Manifest:
    folder = run_day(rows, file=f"{run_id}.db").folder
    run = BackupRun(run_id, lambda: datetime(2026, 11, 3, 3, tzinfo=UTC))
    return store_backup(vault, folder, run).manifest


def keep(vault: BackupVault, tmp_path: Path, rows: list[Row]) -> None:
    (tmp_path / "undated").mkdir()
    source = sqlite_table(tmp_path / "undated" / "signals.db", rows)
    keep_undated(vault, source, tmp_path / "undated", Partitions(DAY, date(2026, 11, 3)))


def ids_in_quarantine(vault: BackupVault, manifest: Manifest, tmp_path: Path) -> list[str | None]:
    assert manifest.quarantine is not None
    vault.store.get_file(manifest.quarantine.key, manifest.quarantine.version_id, tmp_path / "quarantine.csv")
    return [row["signal_id"] for row in read_csv(tmp_path / "quarantine.csv")]


def test_a_row_that_is_kept_as_undated_leaves_the_quarantine_of_the_day(
    vault: BackupVault, run_day: RunDay, tmp_path: Path
) -> None:
    stored_as_before(vault, run_day, tmp_path)
    keep(vault, tmp_path, [UNDATED])
    manifest = back_up(vault, run_day, [BAD, UNDATED, signal(3)], "after")
    assert ids_in_quarantine(vault, manifest, tmp_path) == [BAD["signal_id"]]


def test_a_row_that_is_kept_nowhere_else_stays_with_the_day(
    vault: BackupVault, run_day: RunDay, tmp_path: Path
) -> None:
    stored_as_before(vault, run_day, tmp_path)
    keep(vault, tmp_path, [signal(9, timestamp="another")])
    manifest = back_up(vault, run_day, [BAD, signal(3)], "after")
    assert sorted(map(str, ids_in_quarantine(vault, manifest, tmp_path))) == [BAD["signal_id"], UNDATED["signal_id"]]


def test_a_row_of_the_day_that_the_database_lost_stays_with_the_day(
    vault: BackupVault, run_day: RunDay, tmp_path: Path
) -> None:
    stored_as_before(vault, run_day, tmp_path)
    keep(vault, tmp_path, [UNDATED])
    manifest = back_up(vault, run_day, [signal(3)], "after")
    assert ids_in_quarantine(vault, manifest, tmp_path) == [BAD["signal_id"]]
