"""Running the stages of a day's backup that need no store: extract, CSV, verify."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from signal_backups.core.backup.extract import ExtractReport, extract_day
from signal_backups.core.backup.hashed_csv import CsvReport, write_hashed_csv
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.fields import TIMESTAMP
from signal_backups.core.signals.timestamps import undated_rows
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.source import SignalSource
from signal_backups_tests.samples.signals import DAY

_FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)')

CsvRow = dict[str, str | None]


@dataclass(frozen=True)
class DayRun:
    """The results of the stages of one day."""

    folder: DayFolder
    extract: ExtractReport
    report: CsvReport

    @property
    def csv(self) -> bytes:
        return self.folder.backup_csv.read_bytes()

    @property
    def records(self) -> list[CsvRow]:
        """The rows of the backup."""
        return read_csv(self.folder.backup_csv)

    @property
    def quarantine(self) -> list[CsvRow]:
        """The quarantined rows, with faults and reasons."""
        return read_csv(self.folder.quarantine_csv) if self.folder.quarantine_csv.exists() else []

    @property
    def expected(self) -> Expected:
        """What the manifest would say."""
        return Expected(records=self.report.records, bytes=self.report.bytes, sha256=self.report.sha256)

    def verify(self) -> VerifyReport:
        """Verify the CSV against its report."""
        return verify_csv(self.folder.backup_csv, self.expected)

    def ids(self) -> list[str | None]:
        """The signal ids of the backup, in order."""
        return [record["signal_id"] for record in self.records]

    def quarantined_ids(self) -> list[str | None]:
        """The signal ids in quarantine, in order."""
        return [record["signal_id"] for record in self.quarantine]

    def reason(self) -> str:
        """The reason of the only quarantined row."""
        (row,) = self.quarantine
        assert row["quarantine_reason"] is not None
        return row["quarantine_reason"]

    def faults(self) -> set[str]:
        """The faults of the only quarantined row."""
        (row,) = self.quarantine
        return set((row["quarantine_faults"] or "").split())


def extracted(source: SignalSource, folder: Path, day: date = DAY) -> DayRun:
    """Extract a day and write its CSV, in a new folder under ``folder``."""
    place = DayFolder(Path(mkdtemp(dir=folder)), day)
    extract = extract_day(source, place)
    return DayRun(place, extract, write_hashed_csv(place))


def read_csv(path: Path) -> list[CsvRow]:
    """Parse RFC 4180; an empty field without quotes is None."""
    text = path.read_bytes().decode("utf-8")
    rows: list[list[str | None]] = []
    row: list[str | None] = []
    position = 0
    while position < len(text):
        match = _FIELD.match(text, position)
        assert match, f"not RFC 4180 from character {position}: {text[position : position + 40]!r}"
        quoted, plain, end = match.groups()
        row.append(quoted.replace('""', '"') if quoted is not None else plain or None)
        position = match.end()
        if end != ",":
            rows.append(row)
            row = []
    header, *records = rows
    return [dict(zip((name or "" for name in header), record, strict=True)) for record in records]


def lines(run: DayRun) -> tuple[bytes, list[bytes]]:
    """The header line and the other lines of a backup whose texts contain no line breaks."""
    header, *records = run.csv.splitlines(keepends=True)
    return header, records


#: Type of the fixture ``run_day``.
RunDay = Callable[..., DayRun]


def undated_in(source: SignalSource, first: date = DAY, last: date = DAY) -> list[str]:
    """The timestamps of the rows that belong to no day of a range, sorted."""
    with source.read_undated(first, last) as snapshot, closing(duckdb_engine.cursor()) as cursor:
        batches = [undated_rows(cursor, batch, first, last) for batch in snapshot.batches]
    return sorted(str(stamp) for batch in batches for stamp in batch.column(TIMESTAMP).to_pylist())
