"""Ours: a backup CSV verified, imported and read back, without store and command line; run by ``restore_million``."""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.backup_csvs import promise_of
from benchmarks.measuring import Figures
from benchmarks.shell_side import shape_of
from benchmarks.signal_tables import DAY, TABLE
from signal_backups.core.restore.targets.contract import DayToImport
from signal_backups.core.restore.targets.open_target import open_target
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected

DRIVERS = {"sqlite": "adbc-driver-sqlite", "postgres": "adbc-driver-postgresql"}


def main(engine: str, target: str, csv: Path) -> None:
    figures = Figures()
    expected = Expected.model_validate_json(promise_of(csv).read_text(encoding="utf-8"))
    with figures.stage("verify before"):
        report = verify_csv(csv, expected)
    if not report.ok:
        raise SystemExit(f"the benchmark's own CSV does not verify: {report.problems}")
    started = time.perf_counter()
    imported = open_target(target, TABLE).import_day(DayToImport(DAY, csv, expected.records, "sha256"))
    whole = time.perf_counter() - started
    figures.seconds["import"] = imported.import_seconds
    figures.seconds["verify after"] = imported.verify_seconds
    figures.seconds["commit"] = whole - imported.import_seconds - imported.verify_seconds
    figures.facts = {
        "tool": f"{DRIVERS[engine]} {version(DRIVERS[engine])}",
        **shape_of(engine, target),
    }
    figures.report()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
