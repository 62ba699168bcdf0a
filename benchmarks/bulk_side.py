"""Ours: a day through the stages of the backup, without store and orchestrator; run by the benchmarks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from benchmarks.measuring import Figures
from benchmarks.signal_tables import DAY
from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected
from signal_backups.core.source import open_source


def main(database: Path, scratch: Path) -> None:
    figures = Figures()
    source = open_source(f"sqlite:///{database}", "signals")
    with Scratch(scratch).day(f"benchmark-{os.getpid()}", DAY) as folder:
        with figures.stage("extract"):
            extracted = extract_day(source, folder)
        with figures.stage("write"):
            written = write_hashed_csv(folder)
        with figures.stage("verify"):
            expected = Expected(records=written.records, bytes=written.bytes, sha256=written.sha256)
            verified = verify_csv(folder.backup_csv, expected)
    if verified.problems:
        raise SystemExit(f"the benchmark's own data do not verify: {verified.problems}")
    figures.facts = {
        "rows": extracted.rows,
        "sorted_by_engine": extracted.sorted_by_engine,
        "records": written.records,
        "bytes": written.bytes,
        "quarantined": written.quarantined,
        "integer_forms": written.integer_form_records,
        "rows_hashed": verified.rows_hashed,
    }
    figures.report()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
