"""Ours: backing a day up again after the database altered and lost signals; run by ``backup_again``."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from benchmarks.measuring import Figures
from benchmarks.signal_tables import DAY
from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.source_changes import compare_with_vouched
from signal_backups.core.backup.vouched_backup import VouchedBackup
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.source import open_source
from signal_backups.core.vault.manifest import Manifest

#: One row in so many is deleted, and one altered.
EVERY = 100


def main(database: Path, scratch: Path) -> None:
    figures, source = Figures(), open_source(f"sqlite:///{database}", "signals")
    backup = scratch / f"backup-{os.getpid()}.csv"
    scratch.mkdir(parents=True, exist_ok=True)
    with Scratch(scratch).day(f"first-{os.getpid()}", DAY) as folder:
        extract_day(source, folder)
        write_hashed_csv(folder)
        shutil.move(folder.backup_csv, backup)
    changed = scratch / f"changed-{os.getpid()}.db"
    shutil.copy(database, changed)
    with closing(sqlite3.connect(changed)) as connection, connection:
        connection.execute("DELETE FROM signals WHERE rowid % ? = 0", [EVERY])
        connection.execute("UPDATE signals SET symbol = symbol || 'X' WHERE rowid % ? = 1", [EVERY])
    with Scratch(scratch).day(f"again-{os.getpid()}", DAY) as folder:
        with figures.stage("extract"):
            extract_day(open_source(f"sqlite:///{changed}", "signals"), folder)
        with figures.stage("write"):
            write_hashed_csv(folder)
        with figures.stage("verify"):
            verification = verify_csv(backup)
        vouched = VouchedBackup(Manifest.model_construct(), backup, None, verification)
        with figures.stage("compare and merge"):
            changes = compare_with_vouched(folder, vouched, DAY)
        with figures.stage("write merged"):
            report = write_hashed_csv(folder, changes)
        figures.facts = {
            "records": report.records,
            "quarantined": report.quarantined,
            "unchanged": changes.unchanged,
            "altered": changes.altered.count,
            "vanished": changes.vanished.count,
        }
    backup.unlink()
    changed.unlink()
    figures.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
