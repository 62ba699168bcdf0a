"""Deciding which examined rows go into the backup and which into quarantine, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.backup.examine_rows import EXAMINED_SCHEMA, HASH_FORM, SCHEMA_FAULT
from signal_backups.core.backup.extract import reading_extract
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    REASON,
    REQUIRED_COLUMNS,
    SIGNAL_ID,
    UNREADABLE_VALUES,
    VERIFICATION_HASH,
)
from signal_backups.core.signals.row_hash import CANONICAL_FORM


class Fault(StrEnum):
    """Kinds of reasons to quarantine a row; there is one asset check for each."""

    SCHEMA = "schema"
    HASH = "hash"
    DUPLICATE = "duplicate"


#: Row number in the extract -> reason, of rows whose id another row keeps.
Duplicates = Mapping[int, str]


@dataclass(frozen=True)
class JudgedBatch:
    """A batch, split into good and quarantined rows.

    Attributes:
        good: the rows to back up (``CSV_COLUMNS``).
        quarantined: the other rows (``QUARANTINE_COLUMNS``); None when there are none.
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
        good=good.select(list(CSV_COLUMNS)),
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
    return pc.or_(pc.is_null(rows.column(HASH_FORM)), pc.is_valid(rows.column(SCHEMA_FAULT)))


def _duplicate_reasons(duplicates: Duplicates, first_row: int, rows: int) -> pa.Array:
    if not duplicates:
        return pa.nulls(rows, pa.string())
    return pa.array([duplicates.get(row) for row in range(first_row, first_row + rows)], pa.string())


def _rows_with_repeated_ids(cursor: duckdb.DuckDBPyConnection, extract: Path) -> pa.Table:
    """The rows of an extract whose signal_id occurs more than once, with their row numbers in the extract."""
    repeated = f"SELECT hash({SIGNAL_ID}) FROM extract GROUP BY hash({SIGNAL_ID}) HAVING count(*) > 1"
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
            "SELECT * FROM (SELECT *, row_number() OVER () - 1 AS row FROM extract) "
            f"WHERE {SIGNAL_ID} IS NOT NULL AND hash({SIGNAL_ID}) IN (SELECT hash FROM hashes) ORDER BY row"
        ).to_arrow_table()


def _reasons(bad: pa.RecordBatch, repeated: pa.Array) -> list[dict[Fault, str]]:
    """The reasons for each row, by fault."""
    # A missing value already violates the schema, and the row cannot be hashed.
    complete = reduce(pc.and_, (pc.is_valid(bad.column(name)) for name in REQUIRED_COLUMNS))
    mismatch = pc.and_(complete, pc.is_null(bad.column(HASH_FORM)))
    hash_fault = pc.if_else(mismatch, f"{VERIFICATION_HASH} does not match the row", None)
    found = {Fault.SCHEMA: bad.column(SCHEMA_FAULT), Fault.HASH: hash_fault, Fault.DUPLICATE: repeated}
    rows = zip(*(column.to_pylist() for column in found.values()), strict=True)
    return [{fault: text for fault, text in zip(found, texts, strict=True) if text is not None} for texts in rows]


def _with_reasons(bad: pa.RecordBatch, reasons: list[dict[Fault, str]]) -> pa.Table:
    faults = pa.array([" ".join(row) for row in reasons], pa.string())
    words = pa.array(["; ".join(row.values()) for row in reasons], pa.string())
    rows = pa.Table.from_batches([bad]).select([*CSV_COLUMNS, UNREADABLE_VALUES])
    return rows.append_column(FAULTS, faults).append_column(REASON, words)
