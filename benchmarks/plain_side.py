"""The plain way, as the old scripts went: lists of dicts, ``csv``, ``json`` and ``hashlib``; run by the benchmarks.

Written to be as fast as such code gets without becoming something else: it asks for the needed columns only, by the
index, and takes no detours.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figures
from benchmarks.signal_tables import DAY

HASHED = (
    "signal_id", "symbol", "action", "entry_price", "target_price", "stop_price", "confidence", "strategy", "timestamp",
)  # fmt: skip
NUMBERS = ("entry_price", "target_price", "stop_price", "confidence")


def main(database: Path, scratch: Path) -> None:
    figures = Figures()
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "plain.csv"
    with figures.stage("extract"):
        rows = fetch_rows(database)
    with figures.stage("hash"):
        mismatched = sum(hash_of(row) != row["verification_hash"] for row in rows)
    with figures.stage("write"):
        write_csv(path, rows)
    with figures.stage("verify"):
        records, bad = verify_csv(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if mismatched or bad:
        raise SystemExit(f"the benchmark's own data do not verify: {mismatched} and {bad} rows")
    figures.facts = {"rows": len(rows), "records": records, "bytes": path.stat().st_size, "sha256": sha256}
    path.unlink()
    figures.report()


def fetch_rows(database: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(
            f"SELECT {', '.join(HASHED)}, sha256 AS verification_hash FROM signals "
            "WHERE timestamp >= ? AND timestamp < ? ORDER BY timestamp",
            (DAY.isoformat(), (DAY + timedelta(days=1)).isoformat()),
        ).fetchall()
        return [dict(row) for row in found]


def hash_of(row: Mapping[str, Any]) -> str:
    hashed = json.dumps({name: row[name] for name in HASHED}, sort_keys=True)
    return hashlib.sha256(hashed.encode("ascii")).hexdigest()


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*HASHED, "verification_hash"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def verify_csv(path: Path) -> tuple[int, int]:
    """Records of a CSV, and how many of them do not match their hash."""
    records = bad = 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            signal: dict[str, Any] = {**row, **{name: float(row[name]) for name in NUMBERS}}
            records += 1
            bad += hash_of(signal) != row["verification_hash"]
    return records, bad


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
