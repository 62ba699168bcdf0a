"""Comparing the signals of a day in a backup and in a database: which are unchanged, changed, missing or new.

Rows are matched by their id and compared in every backed-up column, numbers as doubles; of the extra columns, in those
that both sides have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import BaseModel

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import extras_of, read_sql
from signal_backups.core.signals.difference import NAMED_IDS, Difference
from signal_backups.core.signals.extra_columns import value_sql
from signal_backups.core.signals.fields import CSV_COLUMNS, NUMBER_COLUMNS, SIGNAL_ID


class RowComparison(BaseModel, frozen=True):
    """The database compared with the backup.

    Attributes:
        unchanged: number of backed-up signals that are in the database with the same content.
        mutated: backed-up signals that are in the database with other content.
        deleted: backed-up signals that are not in the database.
        late: signals in the database that are not in the backup.
    """

    unchanged: int
    mutated: Difference
    deleted: Difference
    late: Difference

    @property
    def is_equal(self) -> bool:
        """Whether there is no difference."""
        return not (self.mutated.count or self.deleted.count or self.late.count)


class RowComparer:
    """Compares the rows of a backup with those of a database, in bounded memory."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, extras: Sequence[str]) -> None:
        self._cursor = cursor
        self._extras = tuple(extras)
        for table in ("backup_rows", "database_rows"):
            cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} "
                "(id UBIGINT, content UBIGINT, signal_id VARCHAR, is_quarantined BOOLEAN)"
            )

    def add_backup(self, csv: Path, *, is_quarantine: bool = False) -> None:
        """Add the rows of a backup CSV; quarantined rows are not late in the database, and may be missing there."""
        rows = read_sql(csv, is_quarantine=is_quarantine)
        self._add("backup_rows", rows, extras_of(csv), is_quarantine=is_quarantine)

    def add_backup_rows(self, batches: Iterable[pa.RecordBatch], extras: Sequence[str] = ()) -> None:
        """Add rows of the backup that were restored into a scratch database; see ``add_database_rows``."""
        self._add_batches("backup_rows", batches, extras)

    def add_database_rows(self, batches: Iterable[pa.RecordBatch], extras: Sequence[str] = ()) -> None:
        """Add rows of the database.

        Args:
            batches: batches with at least ``CSV_COLUMNS``, numbers as doubles or as text.
            extras: the columns whose values are in ``EXTRA_VALUES``.
        """
        self._add_batches("database_rows", batches, extras)

    def compare(self) -> RowComparison:
        """Compare the added rows."""
        good = "backup_rows WHERE NOT is_quarantined"
        same = "EXISTS (FROM database_rows d WHERE d.id = s.id AND d.content = s.content)"
        present = "EXISTS (FROM database_rows d WHERE d.id = s.id)"
        changed = f"{present} AND NOT {same}"
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE changed AS SELECT id FROM (FROM {good}) s WHERE {changed}")
        # A changed signal is mutated, not late; a second signal with the id of an unchanged one is late.
        # Two conditions on equality, because with OR the engine would compare every pair of rows.
        unknown = "NOT EXISTS (FROM backup_rows b WHERE b.content = s.content)"
        not_mutated = "NOT EXISTS (FROM changed c WHERE c.id = s.id)"
        (unchanged,) = self._cursor.execute(f"SELECT count(*) FROM (FROM {good}) s WHERE {same}").fetchone() or (0,)
        return RowComparison(
            unchanged=unchanged,
            mutated=self._difference(good, changed),
            deleted=self._difference(good, f"NOT {present}"),
            late=self._difference("database_rows", f"{unknown} AND {not_mutated}"),
        )

    def _add_batches(self, table: str, batches: Iterable[pa.RecordBatch], extras: Sequence[str]) -> None:
        # One by one, because DuckDB would turn the database's error, when reading fails, into one of its own.
        for batch in batches:
            self._cursor.register("given_rows", pa.Table.from_batches([batch]))
            self._add(table, "given_rows", extras, is_quarantine=False)
            self._cursor.unregister("given_rows")

    def _add(self, table: str, rows: str, extras: Sequence[str], *, is_quarantine: bool) -> None:
        fields = (
            f"CAST(TRY_CAST({name} AS DOUBLE) AS VARCHAR)" if name in NUMBER_COLUMNS else name for name in CSV_COLUMNS
        )
        content = ", ".join([*fields, *(value_sql(name, extras) for name in self._extras)])
        # DuckDB's own hash suffices, because both sides are hashed in one process; it distinguishes NULL from ''.
        self._cursor.execute(
            f"INSERT INTO {table} SELECT hash({SIGNAL_ID}), hash({content}), {SIGNAL_ID}, {is_quarantine} FROM {rows}"
        )

    def _difference(self, rows: str, condition: str) -> Difference:
        (count,) = self._cursor.execute(f"SELECT count(*) FROM (FROM {rows}) s WHERE {condition}").fetchone() or (0,)
        if not count:
            return Difference()
        named = self._cursor.execute(
            f"SELECT signal_id FROM (FROM {rows}) s WHERE {condition} ORDER BY signal_id LIMIT {NAMED_IDS}"
        ).fetchall()
        return Difference(count=count, signal_ids=[signal_id for (signal_id,) in named])


@contextmanager
def row_comparer(extras: Sequence[str] = ()) -> Iterator[RowComparer]:
    """Provide a comparer with its own DuckDB session, which also compares these extra columns."""
    with closing(duckdb_engine.cursor()) as cursor:
        yield RowComparer(cursor, extras)
