"""The backup CSV of a table of signals, made as a backup makes it, and beside it what its manifest would promise."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.signal_tables import DAY
from signal_backups.core.backup.extract import extract_day
from signal_backups.core.backup.hashed_csv import write_hashed_csv
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.signals.verify_report import Expected
from signal_backups.core.source import open_source


def main(database: Path, csv: Path) -> None:
    with Scratch(csv.parent / "scratch").day("benchmark", DAY) as folder:
        extract_day(open_source(f"sqlite:///{database}", "signals"), folder)
        written = write_hashed_csv(folder)
        if written.quarantined:
            raise SystemExit(f"the benchmark's own data are quarantined: {written.faults}")
        expected = Expected(records=written.records, bytes=written.bytes, sha256=written.sha256)
        promise_of(csv).write_text(expected.model_dump_json(), encoding="utf-8")
        # Last of all: whoever finds the CSV finds the promise too.
        folder.backup_csv.replace(csv)


def promise_of(csv: Path) -> Path:
    """Where the ``Expected`` of a CSV is kept."""
    return csv.with_suffix(".json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
