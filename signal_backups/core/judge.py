"""Judging rows: which go into the backup, which into quarantine, and why.

What belongs here: the verdict on a batch and on repeated ids. What does not: writing files (``hashed_csv``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.extract import EXTRACT_SCHEMA, reading_extract
from signal_backups.core.fields import (
    CSV_COLUMNS,
    NUMBER_COLUMNS,
    REQUIRED_COLUMNS,
    SIGNAL_ID,
    VERIFICATION_HASH,
)
from signal_backups.core.row_hash import CANONICAL_FORM, matches_sql, other_forms_sql
from signal_backups.core.schema import schema_violations
from signal_backups.core.source import UNREADABLE_VALUES


class Fault(StrEnum):
    """Kinds of reasons to quarantine a row; each is what one asset check asks about."""

    SCHEMA = "schema"
    HASH = "hash"
    DUPLICATE = "duplicate"


#: Columns of a quarantine CSV: the backup's, and what is wrong.
FAULTS, REASON = "quarantine_faults", "quarantine_reason"
QUARANTINE_COLUMNS = (*CSV_COLUMNS, UNREADABLE_VALUES, FAULTS, REASON)

#: Rows of one extract that repeat an id and lost to another row: row number -> reason.
Losers = Mapping[int, str]

_FORM = "hash_form"

_TEXTS_SQL = ", ".join(
    f"CAST({name} AS VARCHAR) AS {name}" if name in NUMBER_COLUMNS else name
    for name in (*CSV_COLUMNS, UNREADABLE_VALUES)
)


@dataclass(frozen=True)
class Verdict:
    """One batch, judged.

    Attributes:
        good: the rows to back up, as CSV text columns.
        bad_rows: row numbers within the batch that are not good, ascending.
        quarantined: those rows (``QUARANTINE_COLUMNS``), all text; None when there are none.
        integer_forms: how many good rows were hashed with integers for integral numbers.
        faults: how many rows show each fault (a row may show several).
    """

    good: pa.Table
    bad_rows: list[int]
    quarantined: pa.Table | None
    integer_forms: int
    faults: Counter[Fault]


def judge(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch, losers: Losers, first_row: int = 0) -> Verdict:
    """Judge a batch of an extract.

    Args:
        cursor: an engine cursor of the calling thread's own.
        batch: rows in ``EXTRACT_SCHEMA``.
        losers: what ``find_losers`` found for the whole extract.
        first_row: the batch's first row number within the extract.
    """
    texts = _with_hash_forms(cursor, batch)
    violations = schema_violations(batch)
    rows = range(batch.num_rows) if losers else ()
    repeated = {row: losers[first_row + row] for row in rows if first_row + row in losers}
    unmatched = pc.indices_nonzero(pc.is_null(texts.column(_FORM))).to_pylist()
    bad = sorted({*violations, *unmatched, *repeated})
    if not bad:
        return Verdict(_csv_columns(texts), [], None, _integer_forms(texts), Counter())
    bad_texts = texts.take(pa.array(bad, pa.int64()))
    mismatches = zip(bad, _mismatches(bad_texts), strict=True)
    reasons = [_reasons(mismatch, violations.get(row), repeated.get(row)) for row, mismatch in mismatches]
    keep = np.ones(batch.num_rows, dtype=bool)
    keep[bad] = False
    good = texts.filter(pa.array(keep))
    return Verdict(
        good=_csv_columns(good),
        bad_rows=bad,
        quarantined=_with_reasons(bad_texts, reasons),
        integer_forms=_integer_forms(good),
        faults=Counter(fault for row_reasons in reasons for fault in row_reasons),
    )


def find_losers(cursor: duckdb.DuckDBPyConnection, extract: Path) -> Losers:
    """Find rows that repeat a signal_id of the same day and have to give way.

    Of the rows that share an id, the first good one (in backup order) keeps it; when none is good, the first.
    """
    contested = _contested_rows(cursor, extract)
    if not contested.num_rows:
        return {}
    (batch,) = contested.drop_columns(["row"]).combine_chunks().to_batches()
    bad = set(judge(cursor, batch, {}).bad_rows)
    ids = contested.column(SIGNAL_ID).to_pylist()
    keepers: dict[str, int] = {}
    for row, signal_id in sorted(enumerate(ids), key=lambda item: (item[0] in bad, item[0])):
        keepers.setdefault(signal_id, row)
    numbers = contested.column("row").to_pylist()
    return {
        numbers[row]: f"{SIGNAL_ID} repeats within the day"
        for row, signal_id in enumerate(ids)
        if keepers[signal_id] != row
    }


def _contested_rows(cursor: duckdb.DuckDBPyConnection, extract: Path) -> pa.Table:
    """The rows of an extract whose signal_id repeats, with their row numbers in the extract."""
    repeated = f"SELECT hash({SIGNAL_ID}) FROM extract GROUP BY hash({SIGNAL_ID}) HAVING count(*) > 1"
    with reading_extract(extract) as reader:
        cursor.register("extract", reader)
        hashes = cursor.sql(repeated).fetchnumpy().popitem()[1]
        cursor.unregister("extract")
    with reading_extract(extract) as reader:
        if not len(hashes):
            return EXTRACT_SCHEMA.append(pa.field("row", pa.int64())).empty_table()
        cursor.register("extract", reader)
        cursor.register("hashes", pa.table({"hash": hashes}))
        return cursor.sql(
            "SELECT * FROM (SELECT *, row_number() OVER () - 1 AS row FROM extract) "
            f"WHERE {SIGNAL_ID} IS NOT NULL AND hash({SIGNAL_ID}) IN (SELECT hash FROM hashes) ORDER BY row"
        ).to_arrow_table()


def _with_hash_forms(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.Table:
    """The batch as texts, with the form each row was hashed in; null where a row does not match its hash."""
    cursor.register("extracted", pa.Table.from_batches([batch]))
    computed = cursor.sql(
        f"SELECT {', '.join(NUMBER_COLUMNS)}, CASE WHEN {matches_sql()} THEN {CANONICAL_FORM} END AS {_FORM} "
        f"FROM (SELECT {_TEXTS_SQL} FROM extracted)"
    ).to_arrow_table()
    cursor.unregister("extracted")
    names = (*CSV_COLUMNS, UNREADABLE_VALUES, _FORM)
    # Text columns are taken from the batch as they are: copying them through the engine would cost most of the time.
    columns = [(computed if name in computed.column_names else batch).column(name) for name in names]
    texts = pa.table(columns, names)
    unmatched = pc.indices_nonzero(pc.is_null(texts.column(_FORM)))
    return _with_other_forms(cursor, texts, unmatched) if len(unmatched) else texts


def _with_other_forms(cursor: duckdb.DuckDBPyConnection, texts: pa.Table, unmatched: pa.Array) -> pa.Table:
    cursor.register("unmatched", texts.take(unmatched).append_column("row", unmatched))
    matched = cursor.sql(f"SELECT row, form FROM {other_forms_sql('unmatched')}").fetchnumpy()
    cursor.unregister("unmatched")
    forms = texts.column(_FORM).to_numpy().astype(float)
    forms[matched["row"]] = matched["form"]
    return texts.set_column(texts.schema.get_field_index(_FORM), _FORM, pa.array(forms, pa.float64(), from_pandas=True))


def _csv_columns(texts: pa.Table) -> pa.Table:
    return texts.select(list(CSV_COLUMNS))


def _integer_forms(texts: pa.Table) -> int:
    return pc.sum(pc.not_equal(texts.column(_FORM), CANONICAL_FORM)).as_py() or 0


def _mismatches(texts: pa.Table) -> list[bool]:
    """Which rows do not match their hash, though they have one and all that it was taken of."""
    # A missing value is a finding of the schema already; there is nothing left to hash.
    complete = reduce(pc.and_, (pc.is_valid(texts.column(name)) for name in REQUIRED_COLUMNS))
    mismatches: list[bool] = pc.and_(complete, pc.is_null(texts.column(_FORM))).to_pylist()
    return mismatches


def _reasons(mismatch: bool, violations: list[str] | None, loss: str | None) -> dict[Fault, str]:
    reasons: dict[Fault, str] = {}
    if violations:
        reasons[Fault.SCHEMA] = "; ".join(violations)
    if mismatch:
        reasons[Fault.HASH] = f"{VERIFICATION_HASH} does not match the row"
    if loss is not None:
        reasons[Fault.DUPLICATE] = loss
    return reasons


def _with_reasons(rows: pa.Table, reasons: list[dict[Fault, str]]) -> pa.Table:
    faults = pa.array([" ".join(row) for row in reasons], pa.string())
    words = pa.array(["; ".join(row.values()) for row in reasons], pa.string())
    return rows.drop_columns([_FORM]).append_column(FAULTS, faults).append_column(REASON, words)
