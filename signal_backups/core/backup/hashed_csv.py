"""Stage two: turn the extract, batch by batch, into the backup CSV and, if rows are bad, a quarantine CSV."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from signal_backups.core.backup.extract import ExtractReport, extras_of_extract, reading_extract
from signal_backups.core.backup.large_values import copied_with_columns, pieces
from signal_backups.core.backup.quarantine import (
    Duplicates,
    Fault,
    QuarantinedRow,
    find_duplicates,
    first_of_each_fault,
    judge,
    named_rows,
)
from signal_backups.core.backup.scratch import DayFolder, StageReport
from signal_backups.core.backup.source_changes import CarriedRows, SourceChanges
from signal_backups.core.base.logs import log_step
from signal_backups.core.base.parallel import map_in_order
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import join_parts, with_extra_columns, write_part
from signal_backups.core.signals.fields import CSV_COLUMNS, QUARANTINE_COLUMNS
from signal_backups.core.signals.merkle import MerkleTree
from signal_backups.core.signals.row_tree import leaf_hashes

_log = logging.getLogger(__name__)


class CsvReport(StageReport):
    """The contents of the CSV and of the quarantine; ``merkle_root`` is the root (hex) of the row tree."""

    file_name = "CsvReport.json"

    records: int
    bytes: int
    sha256: str
    merkle_root: str
    integer_form_records: int
    extra_columns: tuple[str, ...] = ()
    quarantined: int
    quarantine_sha256: str | None
    faults: dict[Fault, int]
    named_rows: list[QuarantinedRow]
    extract: ExtractReport
    seconds: float

    def rows_with(self, fault: Fault) -> list[QuarantinedRow]:
        """The named rows that have a fault."""
        return [row for row in self.named_rows if fault in row.faults.split()]


@dataclass(frozen=True)
class _Part:
    """The files and numbers of one written batch."""

    good: Path
    bad: Path | None
    records: int
    integer_forms: int
    quarantined: int
    faults: Counter[Fault]
    named_rows: list[QuarantinedRow]


def write_hashed_csv(folder: DayFolder, changes: SourceChanges | None = None) -> CsvReport:
    """Turn the folder's rows into ``backup_csv`` and, when a row is bad, ``quarantine_csv``.

    Args:
        folder: the folder with the extract.
        changes: the extract compared with the vouched backup, whose rows are then merged in; None: only the extract.

    Raises:
        StageInputMissingError: there is no extract.
    """
    started = time.perf_counter()
    extract = folder.load(ExtractReport, "signal_extract")
    with closing(duckdb_engine.cursor()) as cursor:
        duplicates = find_duplicates(cursor, folder.rows)
    parts: list[_Part] = []
    tree, extras = MerkleTree(), extras_of_extract(folder.rows)
    writing = map_in_order(
        partial(_write_part, folder=folder, duplicates=duplicates, extras=extras),
        _batches(folder),
        duckdb_engine.THREADS,
    )
    written = join_parts((*CSV_COLUMNS, *extras), _good_files(writing, parts, tree), folder.backup_csv)
    bad_parts = [part.bad for part in parts if part.bad is not None]
    carried = changes.carried if changes else CarriedRows()
    if carried.count:
        bad_parts += [folder.carried_csv, folder.carried_pieces_csv]
    bad_parts += copied_with_columns(pieces(folder.large_values), len(extras))
    quarantine = join_parts((*QUARANTINE_COLUMNS, *extras), bad_parts, folder.quarantine_csv) if bad_parts else None
    named = [*(row for part in parts for row in part.named_rows), *carried.named_rows]
    report = CsvReport(
        records=sum(part.records for part in parts),
        bytes=written.bytes,
        sha256=written.sha256,
        merkle_root=tree.root().hex(),
        integer_form_records=sum(part.integer_forms for part in parts),
        extra_columns=extras,
        quarantined=sum(part.quarantined for part in parts) + carried.count,
        quarantine_sha256=quarantine.sha256 if quarantine else None,
        faults=dict(sum((part.faults for part in parts), Counter(carried.faults))),
        named_rows=first_of_each_fault(named),
        extract=extract,
        seconds=time.perf_counter() - started,
    )
    folder.save(report)
    log_step(
        _log,
        "csv",
        folder.day,
        seconds=report.seconds,
        size=report.bytes,
        records=report.records,
        quarantined=report.quarantined,
    )
    return report


def _good_files(written: Iterator[tuple[_Part, bytes]], parts: list[_Part], tree: MerkleTree) -> Iterator[Path]:
    """Yield files as they are written, so that joining overlaps writing; also fill ``parts`` and ``tree``."""
    for part, leaves in written:
        parts.append(part)
        tree.add(leaves)
        yield part.good


@dataclass(frozen=True)
class _Batch:
    """A batch of the extract, its number, and the number of its first row."""

    number: int
    first_row: int
    rows: pa.RecordBatch


def _batches(folder: DayFolder) -> Iterator[_Batch]:
    first_row = 0
    with reading_extract(folder.rows) as batches:
        for number, rows in enumerate(batches):
            yield _Batch(number, first_row, rows)
            first_row += rows.num_rows


def _write_part(
    batch: _Batch, folder: DayFolder, duplicates: Duplicates, extras: tuple[str, ...]
) -> tuple[_Part, bytes]:
    """Write one batch; returns also the leaf hashes of its good rows."""
    judged = judge(batch.rows, duplicates, batch.first_row)
    rows = pa.Table.from_batches([judged.good])
    with closing(duckdb_engine.cursor()) as cursor:
        good = folder.path / f"part-{batch.number:06}.csv"
        write_part(cursor, with_extra_columns(rows, extras), good)
        bad = None
        if judged.quarantined is not None:
            bad = folder.path / f"quarantine-{batch.number:06}.csv"
            write_part(cursor, with_extra_columns(judged.quarantined, extras), bad)
        cursor.register("good_rows", rows)
        leaves = b"".join(leaf_hashes(cursor, "good_rows", extras))
    part = _Part(
        good=good,
        bad=bad,
        records=judged.good.num_rows,
        integer_forms=judged.integer_forms,
        quarantined=batch.rows.num_rows - judged.good.num_rows,
        faults=judged.faults,
        named_rows=first_of_each_fault(named_rows(judged.quarantined)) if judged.quarantined is not None else [],
    )
    return part, leaves
