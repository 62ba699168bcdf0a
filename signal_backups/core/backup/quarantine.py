"""Judging examined rows: which go into the backup, which into quarantine, and why."""

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
    """Kinds of reasons to quarantine a row; each is what one asset check asks about."""

    SCHEMA = "schema"
    HASH = "hash"
    DUPLICATE = "duplicate"


#: Rows of one extract that repeat an id and lost to another row: row number -> reason.
Duplicates = Mapping[int, str]


@dataclass(frozen=True)
class JudgedBatch:
    """One batch, judged.

    Attributes:
        good: the rows to back up (``CSV_COLUMNS``).
        quarantined: the others (``QUARANTINE_COLUMNS``); None when there are none.
        integer_forms: how many good rows were hashed with integers for integral numbers.
        faults: how many rows show each fault (a row may show several).
    """

    good: pa.RecordBatch
    quarantined: pa.Table | None
    integer_forms: int
    faults: Counter[Fault]


def judge(batch: pa.RecordBatch, duplicates: Duplicates, first_row: int = 0) -> JudgedBatch:
    """Judge a batch of an extract.

    Args:
        batch: rows in ``EXAMINED_SCHEMA``.
        duplicates: what ``find_duplicates`` found for the whole extract.
        first_row: the batch's first row number within the extract.
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
    """Find rows that repeat a signal_id of the same day and have to give way.

    Of the rows that share an id, the first good one (in backup order) keeps it; when none is good, the first.
    """
    contested = _contested_rows(cursor, extract)
    ids = contested.column(SIGNAL_ID).to_pylist()
    faulty = _is_faulty(contested).to_pylist()
    keepers: dict[str, int] = {}
    for row, signal_id in sorted(enumerate(ids), key=lambda item: (faulty[item[0]], item[0])):
        keepers.setdefault(signal_id, row)
    numbers = contested.column("row").to_pylist()
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


def _contested_rows(cursor: duckdb.DuckDBPyConnection, extract: Path) -> pa.Table:
    """The rows of an extract whose signal_id repeats, with their row numbers in the extract."""
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
    """For each row what is wrong with it, by fault."""
    # A missing value is a finding of the schema already; there is nothing left to hash.
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
