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
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import BaseModel

from signal_backups.core.backup.examine_rows import DIFFERENCE, EXAMINED_SCHEMA, HASH_FORM, SCHEMA_FAULT, examine
from signal_backups.core.backup.extract import extras_of_extract, reading_extract, writing_extract
from signal_backups.core.backup.large_values import PIECE_SHA256, with_values_in_pieces, write_other_pieces
from signal_backups.core.backup.merge_rows import merged
from signal_backups.core.backup.quarantine import NAMED_ROWS, Fault, QuarantinedRow, named_rows
from signal_backups.core.backup.row_content import content_sql
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.vouched_backup import VouchedBackup
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import (
    column_sql,
    extra_columns_sql,
    extras_of,
    literal,
    read_quarantine_sql,
    read_sql,
    write_rows,
)
from signal_backups.core.signals.difference import NAMED_IDS, Difference
from signal_backups.core.signals.extra_columns import EXTRA_VALUES, aligned_sql, spelled_as, value_sql
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
        lost_columns: extra columns of the backup that the extract has not; the backup keeps their values.
    """

    added: int
    unchanged: int
    altered: Difference
    vanished: Difference
    repeated: int
    carried: CarriedRows
    lost_columns: list[str] = []

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
        return self.is_less or bool(self.repeated) or bool(self.lost_columns)


@dataclass(frozen=True)
class _Extras:
    """The extra columns of the extract, and those of the vouched backup; as the extract spells those that both have."""

    seen: tuple[str, ...]
    vouched: tuple[str, ...]

    @classmethod
    def of(cls, folder: DayFolder, vouched: VouchedBackup) -> _Extras:
        seen = extras_of_extract(folder.extract)
        return cls(seen, spelled_as(seen, extras_of(vouched.csv)))

    @property
    def common(self) -> tuple[str, ...]:
        """Those that are compared: a column that came or went later alters no signal."""
        return tuple(name for name in self.seen if name in self.vouched)

    @property
    def lost(self) -> tuple[str, ...]:
        """Those that only the backup has."""
        return tuple(name for name in self.vouched if name not in self.seen)

    @property
    def all(self) -> tuple[str, ...]:
        """Those of the new backup."""
        return (*self.seen, *self.lost)


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
    vouched = _with_readable_quarantine(vouched, folder, accept=accept)
    with closing(duckdb_engine.cursor()) as cursor:
        extras = _Extras.of(folder, vouched)
        _pair(cursor, folder, vouched, extras)
        carried = _carried_rows(cursor, folder, vouched, extras)
        changes = SourceChanges(
            added=_count(cursor, "DISTINCT id", "vouched_row IS NULL AND is_good"),
            unchanged=_count(cursor, "DISTINCT vouched_row", "is_same"),
            altered=_difference(cursor, vouched, "is_altered"),
            vanished=_difference(cursor, vouched, "NOT is_altered"),
            repeated=_count(cursor, "*", f"{_DIFFERS} AND vouched_row NOT IN (SELECT row FROM lost)"),
            carried=carried,
            lost_columns=list(extras.lost),
        )
        cursor.execute("DROP TABLE seen")
        if accept and changes.is_less:
            columns = ", ".join(CSV_COLUMNS) + extra_columns_sql(extras.vouched)
            lost = f"SELECT {columns} FROM {_numbered(read_sql(vouched.csv))} WHERE row IN (SELECT row FROM lost)"
            write_rows(cursor, f"{lost} ORDER BY row", folder.replaced_csv)
            cursor.execute("DELETE FROM pairs WHERE vouched_row IN (SELECT row FROM lost)")
            cursor.execute("DELETE FROM lost")
            if changes.repeated or changes.lost_columns:
                _merge(cursor, folder, vouched, backed_up_on)
        elif changes.needs_merge:
            _merge(cursor, folder, vouched, backed_up_on)
    return changes


def _pair(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, extras: _Extras) -> None:
    """Make the tables ``seen``, ``pairs`` (each of its rows with the backed-up signal of its id) and ``lost``."""
    is_good = f"({HASH_FORM} IS NOT NULL AND {SCHEMA_FAULT} IS NULL)"
    seen, kept = ([value_sql(name, names) for name in extras.common] for names in (extras.seen, extras.vouched))
    _hash_rows(cursor, "seen", "extract_rows", content_sql(seen), is_good, folder=folder)
    rows = f"(SELECT *, CAST(NULL AS VARCHAR) AS {UNREADABLE_VALUES} FROM {read_sql(vouched.csv)})"
    _hash_rows(cursor, "vouched", rows, content_sql(kept))
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
    content: str,
    is_good: str = "true",
    folder: DayFolder | None = None,
) -> None:
    """Make a table of the rows' numbers, and of hashes of their ids and contents.

    Args:
        cursor: where.
        table: its name.
        rows: the rows; ``extract_rows`` for those of a folder's extract.
        content: SQL of what two rows have to share to be the same.
        is_good: condition for the column of that name.
        folder: that folder.
    """
    query = (
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT row_number() OVER () - 1 AS row, "
        f"CASE WHEN {SIGNAL_ID} IS NOT NULL THEN hash({SIGNAL_ID}) END AS id, "
        f"{content} AS content, {is_good} AS is_good FROM {rows}"
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


def _with_readable_quarantine(vouched: VouchedBackup, folder: DayFolder, *, accept: bool) -> VouchedBackup:
    """The backup with long values of its quarantine in pieces; if accepted, without a quarantine that is unreadable."""
    if vouched.quarantine is None:
        return vouched
    try:
        return replace(vouched, quarantine=with_values_in_pieces(vouched.quarantine, folder.path))
    except VerificationError as error:
        if accept:
            return replace(vouched, quarantine=None)
        # Such as a text that is longer than any line that can be read.
        raise VerificationError(
            f"the quarantined rows of the backup of {folder.day} cannot be read: {error.what.splitlines()[0]}",
            remedy="They are kept in S3. Go on without them: "
            f'signal-backups backup {folder.day} --accept-changes "REASON"',
        ) from error


def _carried_rows(
    cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, extras: _Extras
) -> CarriedRows:
    """Write the quarantined rows that the database no longer has, neither as they were nor repaired."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE known (seen_row BIGINT, reason VARCHAR)")
    cursor.execute("CREATE OR REPLACE TEMP TABLE quarantined_again (seen_row BIGINT, row BIGINT, differed BOOLEAN)")
    if vouched.quarantine is None:
        return CarriedRows()
    quarantine = read_quarantine_sql(vouched.quarantine)
    names = spelled_as(extras.all, extras_of(vouched.quarantine))
    values = [column_sql(name, names) for name in extras.common]
    _hash_rows(cursor, "quarantined", quarantine, content_sql(values))
    _forget_undated_rows(cursor, quarantine, vouched.undated, folder.day)
    still_there = "EXISTS (FROM seen s WHERE s.content = q.content)"
    if extras.lost:
        _find_again(cursor, quarantine)
        still_there = "row IN (SELECT row FROM quarantined_again)"
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE carried_rows AS SELECT row FROM quarantined q "
        f"WHERE NOT {still_there} AND NOT EXISTS "
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
    columns = [*QUARANTINE_COLUMNS, *(column_sql(name, names) for name in extras.all)]
    rows = f"SELECT {', '.join(columns)} FROM carried ORDER BY row"
    write_rows(cursor, rows, folder.carried_csv, header=False)
    of_carried = f"EXISTS (SELECT 1 FROM carried WHERE contains(carried.{UNREADABLE_VALUES}, {PIECE_SHA256}))"
    write_other_pieces(
        cursor, vouched.quarantine, folder.large_values, folder.carried_pieces_csv, of_carried, len(extras.all)
    )
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


def _find_again(cursor: duckdb.DuckDBPyConnection, quarantine: str) -> None:
    """Fill ``quarantined_again``: the rows of the extract with the quarantined rows that they were, one to one.

    Rows that only a lost column told apart are the same by now. Of those, one is the backed-up signal.
    """
    number = "row_number() OVER (PARTITION BY content ORDER BY row) AS number"
    cursor.execute(
        f"INSERT INTO quarantined_again SELECT s.row, q.row, contains({FAULTS}, '{Fault.DIFFERENCE}') "
        f"FROM (SELECT row, content, {number} FROM seen WHERE content IN (SELECT content FROM quarantined) "
        "AND row NOT IN (SELECT min(seen_row) FROM pairs WHERE is_same GROUP BY vouched_row)) s "
        f"JOIN (SELECT row, content, {number} FROM quarantined) q USING (content, number) "
        f"JOIN {_numbered(quarantine)} values ON values.row = q.row"
    )


def _fill(cursor: duckdb.DuckDBPyConnection, vouched: VouchedBackup, extras: _Extras) -> None:
    """Make the table ``filled``: what rows of the extract had in the columns of the backup, if some are lost."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE filled (seen_row BIGINT, vouched_extras VARCHAR[])")
    if not extras.lost:
        return
    cursor.execute(
        f"INSERT INTO filled SELECT seen_row, {EXTRA_VALUES} FROM {_numbered(read_sql(vouched.csv))} JOIN "
        "(SELECT min(seen_row) AS seen_row, vouched_row FROM pairs WHERE is_same GROUP BY vouched_row) "
        "ON row = vouched_row"
    )
    if vouched.quarantine is None:
        return
    names = spelled_as(extras.all, extras_of(vouched.quarantine))
    values = ", ".join(column_sql(name, names) for name in extras.vouched)
    cursor.execute(
        f"INSERT INTO filled SELECT seen_row, list_value({values}) "
        f"FROM {_numbered(read_quarantine_sql(vouched.quarantine))} JOIN quarantined_again USING (row)"
    )


def _merge(cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, backed_up_on: date) -> None:
    """Write the rows of the extract, those that differ marked, and the backed-up signals that it lacks."""
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE differing AS SELECT seen_row, any_value(v.hash) AS vouched_hash, "
        f"any_value(v.{EXTRA_VALUES}) AS other_extras FROM pairs JOIN (SELECT row, {VERIFICATION_HASH} AS hash, "
        f"{EXTRA_VALUES} FROM {_numbered(read_sql(vouched.csv))}) v ON v.row = vouched_row "
        f"WHERE {_DIFFERS} OR (is_same AND seen_row IN (SELECT seen_row FROM quarantined_again WHERE differed)) "
        "GROUP BY seen_row"
    )
    extras = _Extras.of(folder, vouched)
    _fill(cursor, vouched, extras)
    cursor.execute("DROP TABLE pairs")
    kept_file = folder.path / "kept.arrow"
    _write_kept_rows(cursor, folder, vouched, extras, kept_file)
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE marks AS SELECT seen_row, vouched_hash, other_extras, reason, vouched_extras "
        "FROM differing "
        "LEFT JOIN known USING (seen_row) FULL JOIN filled USING (seen_row)"
    )
    with (
        reading_extract(folder.extract) as extract,
        reading_extract(kept_file) as kept,
        writing_extract(folder.merged, extras.all) as writer,
    ):
        for batch in merged(_marked(cursor, extract, extras, backed_up_on), iter(kept)):
            writer.write_batch(batch)
    kept_file.unlink()


def _marked(
    cursor: duckdb.DuckDBPyConnection, extract: Iterator[pa.RecordBatch], extras: _Extras, backed_up_on: date
) -> Iterator[pa.RecordBatch]:
    """The rows of the extract with what the table ``marks`` says of them.

    Those that differ from the backed-up signal of their id say so; the others keep its values in the columns that the
    extract does not have.
    """
    reason = (
        f"coalesce(reason, '{_REASON} {backed_up_on} ({VERIFICATION_HASH} ' || vouched_hash || "
        f"', in the database ' || coalesce({VERIFICATION_HASH}, 'none') || ')' || {_differing_columns(extras)})"
    )
    marked = {DIFFERENCE: reason}
    if extras.lost:
        lost = (value_sql(name, extras.vouched, "vouched_extras") for name in extras.lost)
        values = [*(value_sql(name, extras.seen) for name in extras.seen), *lost]
        marked[EXTRA_VALUES] = f"list_value({', '.join(values)})"
    columns = ", ".join(f"{marked.get(name, name)} AS {name}" for name in EXAMINED_SCHEMA.names)
    first_row = 0
    for batch in extract:
        cursor.register("batch", pa.Table.from_batches([batch]))
        rows = cursor.sql(
            f"SELECT {columns} FROM (SELECT *, row_number() OVER () - 1 + {first_row} AS row FROM batch) "
            "LEFT JOIN marks ON row = seen_row ORDER BY row"
        ).to_arrow_table()
        cursor.unregister("batch")
        first_row += batch.num_rows
        yield from rows.cast(EXAMINED_SCHEMA).to_batches()


def _differing_columns(extras: _Extras) -> str:
    """SQL: the end of a reason, which names the extra columns that differ; empty where none does."""
    if not extras.common:
        return "''"
    differing = (
        f"CASE WHEN {value_sql(name, extras.seen)} IS DISTINCT FROM "
        f"{value_sql(name, extras.vouched, 'other_extras')} THEN {literal(name)} END"
        for name in extras.common
    )
    return f"coalesce(', extra columns that differ: ' || nullif(concat_ws(', ', {', '.join(differing)}), ''), '')"


def _write_kept_rows(
    cursor: duckdb.DuckDBPyConnection, folder: DayFolder, vouched: VouchedBackup, extras: _Extras, target: Path
) -> None:
    """Write the backed-up signals that the database altered or no longer has, examined as rows of a source are."""
    expressions = {name: f"TRY_CAST({name} AS DOUBLE)" for name in NUMBER_COLUMNS}
    expressions[UNREADABLE_VALUES] = "CAST(NULL AS VARCHAR)"
    expressions[EXTRA_VALUES] = aligned_sql(extras.vouched, extras.all)
    columns = ", ".join(f"{expressions.get(name, name)} AS {name}" for name in SOURCE_SCHEMA.names)
    rows = cursor.sql(
        f"SELECT {columns} FROM {_numbered(read_sql(vouched.csv))} WHERE row IN (SELECT row FROM lost) ORDER BY row"
    ).to_arrow_reader(BATCH_ROWS)
    with closing(duckdb_engine.cursor()) as examining, writing_extract(target, extras.all) as writer:
        for batch in rows:
            source_rows = batch.cast(SOURCE_SCHEMA)
            writer.write_batch(_vouched_for(examine(examining, rows_of_day(examining, source_rows, folder.day))))


def _vouched_for(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows that were good when they were backed up stay good, whatever the schema demands by now."""
    index = EXAMINED_SCHEMA.get_field_index(SCHEMA_FAULT)
    return rows.set_column(index, EXAMINED_SCHEMA.field(index), pa.nulls(rows.num_rows, pa.string()))
