"""Comparing a new extract with the vouched backup of its day, signal by signal, and merging the two.

Whoever can write to the database must not be able to rewrite a backup. So a new backup keeps every signal that was
vouched for, and adds what is new. Rows of the database that differ from their backed-up form go to quarantine.

Contents are compared by SHA-256: a hash that is fast to compute can be made to collide. Only ids, row numbers and
hashes of the whole day are held in tables, which spill to disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import BaseModel

from signal_backups.core.backup.examine_rows import DIFFERENCE, EXAMINED_SCHEMA, HASH_FORM, SCHEMA_FAULT, examine
from signal_backups.core.backup.extract import reading_extract, writing_extract
from signal_backups.core.backup.large_values import PIECE_SHA256, write_other_pieces
from signal_backups.core.backup.merge_rows import merged
from signal_backups.core.backup.quarantine import NAMED_ROWS, Fault, QuarantinedRow, named_rows
from signal_backups.core.backup.row_content import content_sql
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.vouched_backup import VouchedBackup
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import read_quarantine_sql, read_sql, write_rows
from signal_backups.core.signals.difference import NAMED_IDS, Difference
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    NUMBER_COLUMNS,
    QUARANTINE_COLUMNS,
    REASON,
    SIGNAL_ID,
    UNREADABLE_VALUES,
    VERIFICATION_HASH,
)
from signal_backups.core.signals.timestamps import INSTANT, belongs_sql, instant_sql, rows_of_day
from signal_backups.core.source.base import BATCH_ROWS, SOURCE_SCHEMA

_REASON = "differs from the signal backed up on"
#: Of a pair: the row has the id of a backed-up signal, and other content.
_DIFFERS = "seen_row IS NOT NULL AND vouched_row IS NOT NULL AND NOT is_same"


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
    def is_less(self) -> bool:
        """Whether the extract lacks rows of the backup, good or quarantined."""
        return not self.agrees or bool(self.carried.count)

    @property
    def needs_merge(self) -> bool:
        """Whether the extract alone would not keep the backup as it is."""
        return self.is_less or bool(self.repeated)


def compare_with_vouched(
    folder: DayFolder, vouched: VouchedBackup, backed_up_on: date, *, accept: bool = False
) -> SourceChanges:
    """Compare the folder's extract with the vouched backup, and write what becomes of the signals it lacks.

    Where the extract alone would be less, the rows of the new backup are in ``folder.merged`` afterwards, and the
    quarantined rows that the database no longer has in ``folder.carried_csv``. If the changes are accepted, the
    signals that were altered or vanished are in ``folder.replaced_csv`` instead; of a repeated id the row that is the
    backed-up signal is kept all the same.

    Args:
        folder: the folder with the extract.
        vouched: the backup.
        backed_up_on: the UTC day on which the backup was stored, for the reasons in the quarantine.
        accept: whether the database is taken as it is.

    Raises:
        VerificationError: the quarantined rows of the backup cannot be read, and the changes are not accepted.
    """
    with closing(duckdb_engine.cursor()) as cursor:
        _pair(cursor, folder, vouched)
        carried = _carried_rows(cursor, folder, vouched, accept=accept)
        changes = SourceChanges(
            added=_count(cursor, "DISTINCT id", "vouched_row IS NULL AND is_good"),
            unchanged=_count(cursor, "DISTINCT vouched_row", "is_same"),
            altered=_difference(cursor, vouched, "is_altered"),
            vanished=_difference(cursor, vouched, "NOT is_altered"),
            repeated=_count(cursor, "*", f"{_DIFFERS} AND vouched_row NOT IN (SELECT row FROM lost)"),
            carried=carried,
        )
        cursor.execute("DROP TABLE seen")
        if accept and changes.is_less:
            lost = (
                f"SELECT {', '.join(CSV_COLUMNS)} FROM {_numbered(read_sql(vouched.csv))} "
                "WHERE row IN (SELECT row FROM lost)"
            )
            write_rows(cursor, f"{lost} ORDER BY row", folder.replaced_csv)
            cursor.execute("DELETE FROM pairs WHERE vouched_row IN (SELECT row FROM lost)")
            cursor.execute("DELETE FROM lost")
            if changes.repeated:
                _merge(cursor, folder, vouched, backed_up_on)
        elif changes.needs_merge:
            _merge(cursor, folder, vouched, backed_up_on)
    return changes


def _pair(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup) -> None:
    """Make the tables ``seen``, ``pairs`` (each of its rows with the backed-up signal of its id) and ``lost``."""
    is_good = f"({HASH_FORM} IS NOT NULL AND {SCHEMA_FAULT} IS NULL)"
    _hash_rows(cursor, "seen", "extract_rows", is_good, folder=folder)
    _hash_rows(
        cursor, "vouched", f"(SELECT *, CAST(NULL AS VARCHAR) AS {UNREADABLE_VALUES} FROM {read_sql(vouched.csv)})"
    )
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE pairs AS "
        "SELECT s.row AS seen_row, v.row AS vouched_row, coalesce(s.id, v.id) AS id, s.is_good IS TRUE AS is_good, "
        "(s.is_good AND s.content = v.content) IS TRUE AS is_same FROM seen s FULL JOIN vouched v ON s.id = v.id"
    )
    cursor.execute("DROP TABLE vouched")
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE lost AS SELECT vouched_row AS row, bool_or(seen_row IS NOT NULL) AS is_altered "
        "FROM pairs WHERE vouched_row IS NOT NULL GROUP BY vouched_row HAVING NOT bool_or(is_same)"
    )


def _hash_rows(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    rows: str,
    is_good: str = "true",
    folder: DayFolder | None = None,
) -> None:
    """Make a table of the rows' numbers, and of hashes of their ids and contents.

    Args:
        cursor: where.
        table: its name.
        rows: the rows; ``extract_rows`` for those of a folder's extract.
        is_good: condition for the column of that name.
        folder: that folder.
    """
    query = (
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () - 1 AS row, "
        f"CASE WHEN {SIGNAL_ID} IS NOT NULL THEN hash({SIGNAL_ID}) END AS id, "
        f"{content_sql()} AS content, {is_good} AS is_good FROM {rows}"
    )
    if folder is None:
        cursor.execute(query)
        return
    with reading_extract(folder.extract) as extract:
        cursor.register("extract_rows", extract)
        cursor.execute(query)
        cursor.unregister("extract_rows")


def _numbered(rows: str) -> str:
    return f"(SELECT row_number() OVER () - 1 AS row, * FROM {rows})"


def _count(cursor: duckdb.DuckDBPyConnection, what: str, condition: str) -> int:
    (count,) = cursor.execute(f"SELECT count({what}) FROM pairs WHERE {condition}").fetchone() or (0,)
    return int(count)


def _difference(cursor: duckdb.DuckDBPyConnection, vouched: VouchedBackup, condition: str) -> Difference:
    (count,) = cursor.execute(f"SELECT count(*) FROM lost WHERE {condition}").fetchone() or (0,)
    if not count:
        return Difference()
    named = cursor.execute(
        f"SELECT {SIGNAL_ID} FROM {_numbered(read_sql(vouched.csv))} "
        f"WHERE row IN (SELECT row FROM lost WHERE {condition}) ORDER BY {SIGNAL_ID} LIMIT {NAMED_IDS}"
    ).fetchall()
    return Difference(count=count, signal_ids=[signal_id for (signal_id,) in named])


def _carried_rows(
    cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, *, accept: bool
) -> CarriedRows:
    """Write the quarantined rows that the database no longer has, neither as they were nor repaired."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE known (seen_row BIGINT, reason VARCHAR)")
    if vouched.quarantine is None:
        return CarriedRows()
    quarantine = read_quarantine_sql(vouched.quarantine)
    try:
        _hash_rows(cursor, "quarantined", quarantine)
    except duckdb.InvalidInputException as error:
        if accept:
            return CarriedRows()
        # Such as a text that is longer than any line that can be read.
        raise VerificationError(
            f"the quarantined rows of the backup of {folder.day} cannot be read: {str(error).splitlines()[0]}",
            remedy="They are kept in S3. Go on without them: "
            f'signal-backups backup {folder.day} --accept-changes "REASON"',
        ) from error
    _forget_undated_rows(cursor, quarantine, vouched.undated, folder.day)
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE carried_rows AS SELECT row FROM quarantined q "
        "WHERE NOT EXISTS (FROM seen s WHERE s.content = q.content) AND NOT EXISTS "
        "(FROM pairs p WHERE p.id = q.id AND p.is_good AND (p.vouched_row IS NULL OR p.is_same))"
    )
    cursor.execute(
        f"CREATE OR REPLACE TEMP VIEW carried AS SELECT * FROM {_numbered(quarantine)} WHERE row IN (FROM carried_rows)"
    )
    # A row that was quarantined before keeps its reason, with the day that it names.
    last_reason = f"regexp_extract(q.{REASON}, '(?s).*({_REASON} .*)$', 1)"
    cursor.execute(
        f"INSERT INTO known SELECT s.row, any_value({last_reason}) FROM seen s "
        f"JOIN quarantined h ON h.content = s.content JOIN {_numbered(quarantine)} q ON q.row = h.row "
        f"WHERE contains(q.{FAULTS}, '{Fault.DIFFERENCE}') GROUP BY s.row"
    )
    counted = cursor.execute(f"SELECT {FAULTS}, count(*) FROM carried GROUP BY 1").fetchall()
    if not counted:
        return CarriedRows()
    rows = f"SELECT {', '.join(QUARANTINE_COLUMNS)} FROM carried ORDER BY row"
    write_rows(cursor, rows, folder.carried_csv, header=False)
    of_carried = f"EXISTS (SELECT 1 FROM carried WHERE contains(carried.{UNREADABLE_VALUES}, {PIECE_SHA256}))"
    write_other_pieces(cursor, vouched.quarantine, folder.large_values, folder.carried_pieces_csv, of_carried)
    faults = sum((Counter(dict.fromkeys(map(Fault, names.split()), count)) for names, count in counted), Counter())
    return CarriedRows(
        count=sum(count for _, count in counted),
        faults=dict(faults),
        named_rows=list(named_rows(cursor.sql(f"{rows} LIMIT {NAMED_ROWS}").to_arrow_table())),
    )


def _forget_undated_rows(cursor: duckdb.DuckDBPyConnection, quarantine: str, undated: Path | None, day: date) -> None:
    """Leave out the rows that belong to no day and are kept as undated rows; other rows stay with the day."""
    if undated is None:
        return
    of_day = f"SELECT row FROM (SELECT *, {instant_sql()} AS {INSTANT} FROM {_numbered(quarantine)}) "
    cursor.execute(
        f"DELETE FROM quarantined WHERE row NOT IN ({of_day} WHERE {belongs_sql(day, day)}) "
        f"AND content IN (SELECT {content_sql()} FROM {read_quarantine_sql(undated)})"
    )


def _merge(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, backed_up_on: date) -> None:
    """Write the rows of the extract, those that differ marked, and the backed-up signals that it lacks."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE differing AS SELECT seen_row, any_value(v.hash) AS vouched_hash FROM pairs JOIN "
        f"(SELECT row, {VERIFICATION_HASH} AS hash FROM {_numbered(read_sql(vouched.csv))}) v ON v.row = vouched_row "
        f"WHERE {_DIFFERS} GROUP BY seen_row"
    )
    cursor.execute("DROP TABLE pairs")
    kept_file = folder.path / "kept.arrow"
    _write_kept_rows(cursor, folder, vouched, kept_file)
    differing = cursor.sql(
        "SELECT d.*, k.reason FROM differing d LEFT JOIN known k USING (seen_row) ORDER BY seen_row"
    ).to_arrow_table()
    with (
        reading_extract(folder.extract) as extract,
        reading_extract(kept_file) as kept,
        writing_extract(folder.merged) as writer,
    ):
        for batch in merged(_marked(extract, differing, backed_up_on), iter(kept)):
            writer.write_batch(batch)
    kept_file.unlink()


def _marked(extract: Iterator[pa.RecordBatch], differing: pa.Table, backed_up_on: date) -> Iterator[pa.RecordBatch]:
    """The rows of the extract; those that differ from the backed-up signal of their id say so."""
    reason = (
        f"coalesce(reason, '{_REASON} {backed_up_on} ({VERIFICATION_HASH} ' || vouched_hash || "
        f"', in the database ' || coalesce({VERIFICATION_HASH}, 'none') || ')')"
    )
    columns = ", ".join(f"{reason} AS {name}" if name == DIFFERENCE else name for name in EXAMINED_SCHEMA.names)
    first_row = 0
    with closing(duckdb_engine.cursor()) as cursor:
        cursor.register("differing", differing)
        for batch in extract:
            cursor.register("batch", pa.Table.from_batches([batch]))
            rows = cursor.sql(
                f"SELECT {columns} FROM (SELECT *, row_number() OVER () - 1 + {first_row} AS row FROM batch) "
                "LEFT JOIN differing ON row = seen_row ORDER BY row"
            ).to_arrow_table()
            cursor.unregister("batch")
            first_row += batch.num_rows
            yield from rows.cast(EXAMINED_SCHEMA).to_batches()


def _write_kept_rows(
    cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, target: Path
) -> None:
    """Write the backed-up signals that the database altered or no longer has, examined as rows of a source are."""
    columns = ", ".join(
        f"TRY_CAST({field.name} AS DOUBLE) AS {field.name}" if field.name in NUMBER_COLUMNS else field.name
        for field in SOURCE_SCHEMA
        if field.name != UNREADABLE_VALUES
    )
    rows = cursor.sql(
        f"SELECT {columns}, CAST(NULL AS VARCHAR) AS {UNREADABLE_VALUES} "
        f"FROM {_numbered(read_sql(vouched.csv))} WHERE row IN (SELECT row FROM lost) ORDER BY row"
    ).to_arrow_reader(BATCH_ROWS)
    with closing(duckdb_engine.cursor()) as examining, writing_extract(target) as writer:
        for batch in rows:
            source_rows = pa.record_batch(batch.columns, schema=SOURCE_SCHEMA)
            writer.write_batch(_vouched_for(examine(examining, rows_of_day(examining, source_rows, folder.day))))


def _vouched_for(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows that were good when they were backed up stay good, whatever the schema demands by now."""
    index = EXAMINED_SCHEMA.get_field_index(SCHEMA_FAULT)
    return rows.set_column(index, EXAMINED_SCHEMA.field(index), pa.nulls(rows.num_rows, pa.string()))
