"""Deciding which examined rows go into the backup and which into quarantine, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.backup.examine_rows import DIFFERENCE, EXAMINED_SCHEMA, HASH_FORM, SCHEMA_FAULT
from signal_backups.core.backup.extract import reading_extract
from signal_backups.core.backup.scratch import StageReport
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    REASON,
    REQUIRED_COLUMNS,
    SIGNAL_ID,
    TIMESTAMP,
    UNREADABLE_VALUES,
    VERIFICATION_HASH,
)
from signal_backups.core.signals.row_hash import CANONICAL_FORM

#: How many quarantined rows a report names for each fault.
NAMED_ROWS = 10


class Fault(StrEnum):
    """Kinds of reasons to quarantine a row; there is an asset check for each."""

    SCHEMA = "schema"
    HASH = "hash"
    DUPLICATE = "duplicate"
    #: The row is not the signal that was backed up with its id.
    DIFFERENCE = "difference"


class QuarantinedRow(StageReport):
    """A quarantined row, for people."""

    signal_id: str | None
    timestamp: str | None
    faults: str
    reason: str


#: Row number in the extract -> reason, of rows whose id another row keeps.
Duplicates = Mapping[int, str]


@dataclass(frozen=True)
class JudgedBatch:
    """A batch, split into good and quarantined rows.

    Attributes:
        good: the rows to back up (``CSV_COLUMNS`` and ``EXTRA_VALUES``).
        quarantined: the other rows (``QUARANTINE_COLUMNS`` and ``EXTRA_VALUES``); None when there are none.
        integer_forms: number of good rows that were hashed with integral numbers written as integers.
        faults: number of rows with each fault (a row can have several).
    """

    good: pa.RecordBatch
    quarantined: pa.Table | None
    integer_forms: int
    faults: Counter[Fault]


def judge(batch: pa.RecordBatch, duplicates: Duplicates, first_row: int = 0) -> JudgedBatch:
    """Split a batch of an extract into good and quarantined rows.

    Args:
        batch: rows in ``EXAMINED_SCHEMA``.
        duplicates: the result of ``find_duplicates`` for the whole extract.
        first_row: number of the batch's first row in the extract.
    """
    repeated = _duplicate_reasons(duplicates, first_row, batch.num_rows)
    is_bad = pc.or_(_is_faulty(batch), pc.is_valid(repeated))
    bad = batch.filter(is_bad)
    good = batch.filter(pc.invert(is_bad)) if bad.num_rows else batch
    reasons = _reasons(bad, repeated.filter(is_bad))
    return JudgedBatch(
        good=good.select([*CSV_COLUMNS, EXTRA_VALUES]),
        quarantined=_with_reasons(bad, reasons) if reasons else None,
        integer_forms=pc.sum(pc.not_equal(good.column(HASH_FORM), CANONICAL_FORM)).as_py() or 0,
        faults=Counter(fault for row_reasons in reasons for fault in row_reasons),
    )


def find_duplicates(cursor: duckdb.DuckDBPyConnection, extract: Path) -> Duplicates:
    """Find the rows to quarantine because another row of the day has the same signal_id.

    Of the rows that share an id, the first good one (in backup order) keeps it, or the first one when none is good.
    """
    repeated = _rows_with_repeated_ids(cursor, extract)
    ids = repeated.column(SIGNAL_ID).to_pylist()
    faulty = _is_faulty(repeated).to_pylist()
    keepers: dict[str, int] = {}
    for row, signal_id in sorted(enumerate(ids), key=lambda item: (faulty[item[0]], item[0])):
        keepers.setdefault(signal_id, row)
    numbers = repeated.column("row").to_pylist()
    return {
        numbers[row]: f"{SIGNAL_ID} repeats within the day"
        for row, signal_id in enumerate(ids)
        if keepers[signal_id] != row
    }


def _is_faulty(rows: pa.RecordBatch | pa.Table) -> pa.Array:
    faults = pc.or_(pc.is_valid(rows.column(SCHEMA_FAULT)), pc.is_valid(rows.column(DIFFERENCE)))
    return pc.or_(pc.is_null(rows.column(HASH_FORM)), faults)


def _duplicate_reasons(duplicates: Duplicates, first_row: int, rows: int) -> pa.Array:
    if not duplicates:
        return pa.nulls(rows, pa.string())
    return pa.array([duplicates.get(row) for row in range(first_row, first_row + rows)], pa.string())


def _rows_with_repeated_ids(cursor: duckdb.DuckDBPyConnection, extract: Path) -> pa.Table:
    """The rows of an extract whose signal_id occurs more than once, with their row numbers in the extract."""
    # A row that differs from the backed-up signal of its id is no duplicate of it.
    repeated = (
        f"SELECT hash({SIGNAL_ID}) FROM extract WHERE {DIFFERENCE} IS NULL "
        f"GROUP BY hash({SIGNAL_ID}) HAVING count(*) > 1"
    )
    with reading_extract(extract) as reader:
        cursor.register("extract", reader)
        hashes = cursor.sql(repeated).fetchnumpy().popitem()[1]
        cursor.unregister("extract")
    with reading_extract(extract) as reader:
        if not len(hashes):
            return EXAMINED_SCHEMA.append(pa.field("row", pa.int64())).empty_table()
        cursor.register("extract", reader)
        cursor.register("hashes", pa.table({"hash": hashes}))
        return cursor.sql(
            f"SELECT {SIGNAL_ID}, {HASH_FORM}, {SCHEMA_FAULT}, {DIFFERENCE}, row "
            "FROM (SELECT *, row_number() OVER () - 1 AS row FROM extract) "
            f"WHERE {SIGNAL_ID} IS NOT NULL AND {DIFFERENCE} IS NULL "
            f"AND hash({SIGNAL_ID}) IN (SELECT hash FROM hashes) ORDER BY row"
        ).to_arrow_table()


def _reasons(bad: pa.RecordBatch, repeated: pa.Array) -> list[dict[Fault, str]]:
    """The reasons for each row, by fault."""
    # A missing value already violates the schema, and the row cannot be hashed.
    complete = reduce(pc.and_, (pc.is_valid(bad.column(name)) for name in REQUIRED_COLUMNS))
    mismatch = pc.and_(complete, pc.is_null(bad.column(HASH_FORM)))
    hash_fault = pc.if_else(mismatch, f"{VERIFICATION_HASH} does not match the row", None)
    found = {Fault.SCHEMA: bad.column(SCHEMA_FAULT), Fault.HASH: hash_fault, Fault.DUPLICATE: repeated}
    found[Fault.DIFFERENCE] = bad.column(DIFFERENCE)
    rows = zip(*(column.to_pylist() for column in found.values()), strict=True)
    return [{fault: text for fault, text in zip(found, texts, strict=True) if text is not None} for texts in rows]


def _with_reasons(bad: pa.RecordBatch, reasons: list[dict[Fault, str]]) -> pa.Table:
    faults = pa.array([" ".join(row) for row in reasons], pa.string())
    words = pa.array(["; ".join(row.values()) for row in reasons], pa.string())
    table = pa.Table.from_batches([bad])
    rows = table.select([*CSV_COLUMNS, UNREADABLE_VALUES]).append_column(FAULTS, faults).append_column(REASON, words)
    return rows.append_column(EXTRA_VALUES, table.column(EXTRA_VALUES))


def named_rows(quarantined: pa.Table) -> Iterator[QuarantinedRow]:
    """Quarantined rows (``QUARANTINE_COLUMNS``), for people."""
    columns = (quarantined.column(name).to_pylist() for name in (SIGNAL_ID, TIMESTAMP, FAULTS, REASON))
    for signal_id, timestamp, faults, reason in zip(*columns, strict=True):
        yield QuarantinedRow(signal_id=signal_id, timestamp=timestamp, faults=faults, reason=reason)


def first_of_each_fault(rows: Iterable[QuarantinedRow]) -> list[QuarantinedRow]:
    """The first rows of each fault, so that the check for a fault can name some of its rows."""
    named: Counter[str] = Counter()
    chosen = []
    for row in rows:
        if any(named[fault] < NAMED_ROWS for fault in row.faults.split()):
            chosen.append(row)
        named.update(row.faults.split())
    return chosen
