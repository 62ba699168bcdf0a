"""Examining rows from the database: their text in the CSV, the form they were hashed in, and schema violations."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.backup.schema import schema_violations
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import CSV_COLUMNS, NUMBER_COLUMNS, UNREADABLE_VALUES
from signal_backups.core.signals.row_hash import CANONICAL_FORM, matches_sql, other_forms_sql
from signal_backups.core.signals.timestamps import INSTANT

#: The form in which a row was hashed (``row_hash.FORMS``); null when the row does not match its hash.
HASH_FORM = "hash_form"
#: How a row violates the schema, for people; null when it conforms.
SCHEMA_FAULT = "schema_fault"
#: How a row differs from the signal that was backed up with its id; null when it does not, or was never backed up.
DIFFERENCE = "difference"

#: Schema of examined rows: the columns of the CSV as they will be written, and the findings.
EXAMINED_SCHEMA = pa.schema(
    [(name, pa.string()) for name in (*CSV_COLUMNS, UNREADABLE_VALUES)]
    + [(EXTRA_VALUES, pa.list_(pa.string()))]
    + [(INSTANT, pa.int64()), (HASH_FORM, pa.int8()), (SCHEMA_FAULT, pa.string()), (DIFFERENCE, pa.string())]
)

_TEXTS_SQL = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" if name in NUMBER_COLUMNS else name for name in CSV_COLUMNS)


def examine(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Examine a batch.

    Args:
        cursor: a DuckDB cursor that no other thread uses.
        batch: rows of a source, with their instants.

    Returns:
        The same rows in the same order, in ``EXAMINED_SCHEMA``.
    """
    rows = _with_texts_and_forms(cursor, batch)
    unmatched = pc.indices_nonzero(pc.is_null(rows.column(HASH_FORM)))
    if len(unmatched):
        rows = _with_other_forms(cursor, rows, unmatched)
    faults = _faults(schema_violations(batch.drop_columns([EXTRA_VALUES])), batch.num_rows)
    examined = rows.append_column(SCHEMA_FAULT, faults)
    examined = examined.append_column(DIFFERENCE, pa.nulls(batch.num_rows, pa.string()))
    columns = [examined.column(name).combine_chunks() for name in EXAMINED_SCHEMA.names]
    return pa.record_batch(columns, schema=EXAMINED_SCHEMA)


def _with_texts_and_forms(cursor: duckdb.DuckDBPyConnection, batch: pa.RecordBatch) -> pa.Table:
    """Convert numbers to text, and add the canonical form to each row whose hash its unchanged text gives."""
    cursor.register("extracted", pa.Table.from_batches([batch]))
    computed = cursor.sql(
        f"SELECT {', '.join(NUMBER_COLUMNS)}, "
        f"CAST(CASE WHEN {matches_sql()} THEN {CANONICAL_FORM} END AS TINYINT) AS {HASH_FORM} "
        f"FROM (SELECT {_TEXTS_SQL} FROM extracted)"
    ).to_arrow_table()
    cursor.unregister("extracted")
    # Text columns bypass DuckDB: copying them through it would take most of the time.
    names = [*batch.schema.names, HASH_FORM]
    return pa.table([(computed if name in computed.column_names else batch).column(name) for name in names], names)


def _with_other_forms(cursor: duckdb.DuckDBPyConnection, rows: pa.Table, unmatched: pa.Array) -> pa.Table:
    cursor.register("unmatched", rows.take(unmatched).append_column("row", unmatched))
    matched = cursor.sql(f"SELECT row, form FROM {other_forms_sql('unmatched')}").fetchnumpy()
    cursor.unregister("unmatched")
    forms = rows.column(HASH_FORM).to_numpy().astype(float)
    forms[matched["row"]] = matched["form"]
    merged = pa.array(forms, pa.float64(), from_pandas=True).cast(pa.int8())
    return rows.set_column(rows.schema.get_field_index(HASH_FORM), HASH_FORM, merged)


def _faults(violations: dict[int, list[str]], rows: int) -> pa.Array:
    if not violations:
        return pa.nulls(rows, pa.string())
    return pa.array(["; ".join(violations[row]) if row in violations else None for row in range(rows)], pa.string())
