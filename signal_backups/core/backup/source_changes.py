"""Comparing a new extract with the vouched backup of its day, signal by signal, and merging the two.

Whoever can write to the database must not be able to rewrite a backup. So a new backup keeps every signal that was
vouched for, and adds what is new. Rows of the database that differ from their backed-up form go to quarantine.

Values are compared exactly, not by a hash: a hash that is fast to compute can be made to collide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date

import duckdb
import pyarrow as pa
from pydantic import BaseModel

from signal_backups.core.backup.examine_rows import DIFFERENCE, EXAMINED_SCHEMA, HASH_FORM, SCHEMA_FAULT, examine
from signal_backups.core.backup.extract import ORDER, reading_extract, writing_extract
from signal_backups.core.backup.quarantine import NAMED_ROWS, Fault, QuarantinedRow, named_rows
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.vouched_backup import VouchedBackup
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import read_as_stored_sql, read_sql, write_rows
from signal_backups.core.signals.difference import NAMED_IDS, Difference
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    NUMBER_COLUMNS,
    QUARANTINE_COLUMNS,
    SIGNAL_ID,
    UNREADABLE_VALUES,
    VERIFICATION_HASH,
)
from signal_backups.core.signals.timestamps import rows_of_day
from signal_backups.core.source.base import BATCH_ROWS, SOURCE_SCHEMA

_TEXT_COLUMNS = tuple(name for name in CSV_COLUMNS if name not in NUMBER_COLUMNS)
#: Numbers are compared as doubles, because the text of a number may be written in another way by another release.
_SAME = " AND ".join(
    [
        *(f"s.{name} IS NOT DISTINCT FROM v.{name}" for name in _TEXT_COLUMNS),
        *(f"TRY_CAST(s.{name} AS DOUBLE) IS NOT DISTINCT FROM TRY_CAST(v.{name} AS DOUBLE)" for name in NUMBER_COLUMNS),
    ]
)
_IS_GOOD = f"({HASH_FORM} IS NOT NULL AND {SCHEMA_FAULT} IS NULL)"
#: Of a pair: the row has the id of a backed-up signal, and other content.
_DIFFERS = "seen_row IS NOT NULL AND vouched_row IS NOT NULL AND NOT is_same"
_ALL_TEXT = (*CSV_COLUMNS, UNREADABLE_VALUES)


class CarriedRows(BaseModel, frozen=True):
    """Rows of the backup's quarantine that the database no longer has: how many, with which faults, and the first."""

    count: int = 0
    faults: dict[Fault, int] = {}
    named_rows: list[QuarantinedRow] = []


class SourceChanges(BaseModel, frozen=True):
    """The database compared with the vouched backup of the day. Counts are signals.

    Attributes:
        added: good in the database, and not in the backup.
        unchanged: the same in both.
        altered: in both, with other content.
        vanished: only in the backup.
        repeated: rows that have the id of an unchanged signal, and other content.
        carried: rows of the backup's quarantine that the database no longer has.
    """

    added: int
    unchanged: int
    altered: Difference
    vanished: Difference
    repeated: int
    carried: CarriedRows

    @property
    def agrees(self) -> bool:
        """Whether the database still has every signal of the backup as it was."""
        return not (self.altered.count or self.vanished.count)

    @property
    def needs_merge(self) -> bool:
        """Whether the extract alone would not keep the backup as it is."""
        return not self.agrees or bool(self.repeated or self.carried.count)


def compare_with_vouched(
    folder: DayFolder, vouched: VouchedBackup, backed_up_on: date, *, accept: bool = False
) -> SourceChanges:
    """Compare the folder's extract with the vouched backup, and write what becomes of the signals it lacks.

    Where the extract alone would be less, the rows of the new backup are in ``folder.merged`` afterwards, and the
    quarantined rows that the database no longer has in ``folder.carried_csv``. If the changes are accepted, the
    signals that were altered or vanished are in ``folder.replaced_csv`` instead.

    Args:
        folder: the folder with the extract.
        vouched: the backup.
        backed_up_on: the UTC day on which the backup was stored, for the reasons in the quarantine.
        accept: whether the database is taken as it is.
    """
    with closing(duckdb_engine.cursor()) as cursor:
        _pair(cursor, folder, vouched)
        carried = _carried_rows(cursor, folder, vouched)
        changes = SourceChanges(
            added=_count(cursor, f"DISTINCT {SIGNAL_ID}", "vouched_row IS NULL AND is_good"),
            unchanged=_count(cursor, "DISTINCT vouched_row", "is_same"),
            altered=_difference(cursor, "vouched_row IS NOT NULL AND seen_row IS NOT NULL"),
            vanished=_difference(cursor, "seen_row IS NULL"),
            repeated=_count(cursor, "*", f"{_DIFFERS} AND vouched_row NOT IN (FROM lost)"),
            carried=carried,
        )
        if accept:
            lost = f"SELECT {', '.join(CSV_COLUMNS)} FROM {_numbered(read_sql(vouched.csv))} WHERE row IN (FROM lost)"
            write_rows(cursor, f"{lost} ORDER BY row", folder.replaced_csv)
        elif changes.needs_merge:
            _merge(cursor, folder, vouched, backed_up_on)
    return changes


def _pair(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup) -> None:
    """Make the tables ``pairs`` (each row of the extract with the backed-up signal of its id) and ``lost``."""
    with reading_extract(folder.extract) as extract:
        cursor.register("extract_rows", extract)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE pairs AS "
            f"SELECT s.row AS seen_row, v.row AS vouched_row, coalesce(s.{SIGNAL_ID}, v.{SIGNAL_ID}) AS {SIGNAL_ID}, "
            f"{_IS_GOOD} IS TRUE AS is_good, ({_IS_GOOD} AND v.row IS NOT NULL AND {_SAME}) IS TRUE AS is_same, "
            f"v.{VERIFICATION_HASH} AS vouched_hash, s.{VERIFICATION_HASH} AS seen_hash "
            f"FROM {_numbered('extract_rows')} s FULL JOIN {_numbered(read_sql(vouched.csv))} v "
            f"ON s.{SIGNAL_ID} = v.{SIGNAL_ID}"
        )
        cursor.unregister("extract_rows")
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE lost AS SELECT vouched_row AS row FROM pairs WHERE vouched_row IS NOT NULL "
        "GROUP BY vouched_row HAVING NOT bool_or(is_same)"
    )


def _numbered(rows: str) -> str:
    return f"(SELECT row_number() OVER () - 1 AS row, * FROM {rows})"


def _count(cursor: duckdb.DuckDBPyConnection, what: str, condition: str) -> int:
    (count,) = cursor.execute(f"SELECT count({what}) FROM pairs WHERE {condition}").fetchone() or (0,)
    return int(count)


def _difference(cursor: duckdb.DuckDBPyConnection, condition: str) -> Difference:
    ids = f"SELECT DISTINCT {SIGNAL_ID} FROM pairs WHERE vouched_row IN (FROM lost) AND {condition}"
    (count,) = cursor.execute(f"SELECT count(*) FROM ({ids})").fetchone() or (0,)
    if not count:
        return Difference()
    named = cursor.execute(f"{ids} ORDER BY {SIGNAL_ID} LIMIT {NAMED_IDS}").fetchall()
    return Difference(count=count, signal_ids=[signal_id for (signal_id,) in named])


def _carried_rows(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup) -> CarriedRows:
    """Write the quarantined rows that the database no longer has, neither as they were nor repaired."""
    if vouched.quarantine is None:
        return CarriedRows()
    unmoved = " AND ".join(f"s.{name} IS NOT DISTINCT FROM q.{name}" for name in _ALL_TEXT)
    repaired = f"{SIGNAL_ID} = q.{SIGNAL_ID} AND is_good AND (vouched_row IS NULL OR is_same)"
    with reading_extract(folder.extract) as extract:
        cursor.register("extract_rows", extract)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE carried AS "
            f"SELECT * FROM {_numbered(read_as_stored_sql(vouched.quarantine))} q "
            f"WHERE NOT EXISTS (FROM extract_rows s WHERE {unmoved}) AND NOT EXISTS (FROM pairs WHERE {repaired})"
        )
        cursor.unregister("extract_rows")
    counted = cursor.execute(f"SELECT {FAULTS}, count(*) FROM carried GROUP BY 1").fetchall()
    if not counted:
        return CarriedRows()
    rows = f"SELECT {', '.join(QUARANTINE_COLUMNS)} FROM carried ORDER BY row"
    write_rows(cursor, rows, folder.carried_csv, header=False)
    faults = sum((Counter(dict.fromkeys(map(Fault, names.split()), count)) for names, count in counted), Counter())
    return CarriedRows(
        count=sum(count for _, count in counted),
        faults=dict(faults),
        named_rows=list(named_rows(cursor.sql(f"{rows} LIMIT {NAMED_ROWS}").to_arrow_table())),
    )


def _merge(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, backed_up_on: date) -> None:
    """Write the rows of the extract, those that differ marked, and the backed-up signals that it lacks."""
    reason = (
        f"'differs from the signal backed up on {backed_up_on} ({VERIFICATION_HASH} ' || vouched_hash || "
        "', in the database ' || coalesce(seen_hash, 'none') || ')'"
    )
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE differing AS SELECT seen_row, any_value({reason}) AS reason FROM pairs "
        f"WHERE {_DIFFERS} GROUP BY seen_row"
    )
    columns = ", ".join(f"d.reason AS {name}" if name == DIFFERENCE else f"s.{name}" for name in EXAMINED_SCHEMA.names)
    kept = pa.RecordBatchReader.from_batches(EXAMINED_SCHEMA, _kept_rows(folder, vouched, _lost_rows(cursor)))
    with reading_extract(folder.extract) as extract, writing_extract(folder.merged) as writer:
        cursor.register("extract_rows", extract)
        cursor.register("kept_rows", kept)
        ordered = cursor.sql(
            f"SELECT * FROM (SELECT {columns} FROM {_numbered('extract_rows')} s LEFT JOIN differing d "
            f"ON s.row = d.seen_row UNION ALL FROM kept_rows) ORDER BY {ORDER}"
        ).to_arrow_reader(BATCH_ROWS)
        for batch in ordered:
            writer.write_batch(pa.record_batch(batch.columns, schema=EXAMINED_SCHEMA))
        cursor.unregister("kept_rows")
        cursor.unregister("extract_rows")


def _lost_rows(cursor: duckdb.DuckDBPyConnection) -> pa.Table:
    return cursor.sql("FROM lost").to_arrow_table()


def _kept_rows(folder: DayFolder, vouched: VouchedBackup, lost: pa.Table) -> Iterator[pa.RecordBatch]:
    """The backed-up signals that the database altered or no longer has, examined as rows of a source are."""
    columns = ", ".join(
        f"TRY_CAST({field.name} AS DOUBLE) AS {field.name}" if field.name in NUMBER_COLUMNS else field.name
        for field in SOURCE_SCHEMA
        if field.name != UNREADABLE_VALUES
    )
    with closing(duckdb_engine.cursor()) as cursor, closing(duckdb_engine.cursor()) as examining:
        cursor.register("lost_rows", lost)
        rows = cursor.sql(
            f"SELECT {columns}, CAST(NULL AS VARCHAR) AS {UNREADABLE_VALUES} "
            f"FROM {_numbered(read_sql(vouched.csv))} WHERE row IN (FROM lost_rows)"
        ).to_arrow_reader(BATCH_ROWS)
        for batch in rows:
            source_rows = pa.record_batch(batch.columns, schema=SOURCE_SCHEMA)
            yield _vouched_for(examine(examining, rows_of_day(examining, source_rows, folder.day)))


def _vouched_for(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows that were good when they were backed up stay good, whatever the schema demands by now."""
    index = EXAMINED_SCHEMA.get_field_index(SCHEMA_FAULT)
    return rows.set_column(index, EXAMINED_SCHEMA.field(index), pa.nulls(rows.num_rows, pa.string()))
