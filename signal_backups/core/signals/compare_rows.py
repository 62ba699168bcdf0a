"""Comparing two copies of one day's signals, row by row: unchanged, missing, changed or new.

Rows are compared by identity and by the content of every backed-up column, numbers as doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import read_sql
from signal_backups.core.signals.fields import CSV_COLUMNS, NUMBER_COLUMNS, SIGNAL_ID

#: How many ids a comparison names of each kind.
NAMED_IDS = 10


class Difference(BaseModel):
    """One kind of difference: how many signals, and the ids of the first."""

    model_config = ConfigDict(frozen=True)

    count: int = 0
    signal_ids: list[str | None] = []


class RowComparison(BaseModel):
    """Counts of the comparison, from the backup's point of view.

    Attributes:
        unchanged: backed-up signals that are held with the same content.
        mutated: backed-up signals that are held with another content.
        deleted: backed-up signals that are not held.
        late: held signals that the backup does not know.
    """

    model_config = ConfigDict(frozen=True)

    unchanged: int
    mutated: Difference
    deleted: Difference
    late: Difference

    @property
    def is_equal(self) -> bool:
        """Whether both hold the same."""
        return not (self.mutated.count or self.deleted.count or self.late.count)


class RowComparer:
    """Compares one backup with what is held; bounded memory, the engine spills."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        for table in ("saved", "held"):
            cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {table} "
                "(id UBIGINT, content UBIGINT, signal_id VARCHAR, is_quarantined BOOLEAN)"
            )

    def add_backup(self, csv: Path, *, is_quarantine: bool = False) -> None:
        """Add the rows of a backup CSV; quarantined rows are known, but not missed when they are gone."""
        self._add("saved", read_sql(csv), is_quarantine=is_quarantine)

    def add_saved(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Add rows of the backup that came out of a database; batches as for ``add_held``."""
        self._add_batches("saved", batches, schema)

    def add_held(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        """Add held rows: batches that have at least ``CSV_COLUMNS``, numbers as doubles or as texts."""
        self._add_batches("held", batches, schema)

    def compare(self) -> RowComparison:
        """Compare what was added."""
        good = "saved WHERE NOT is_quarantined"
        same = "EXISTS (FROM held h WHERE h.id = s.id AND h.content = s.content)"
        present = "EXISTS (FROM held h WHERE h.id = s.id)"
        changed = f"{present} AND NOT {same}"
        self._cursor.execute(f"CREATE OR REPLACE TEMP TABLE changed AS SELECT id FROM (FROM {good}) s WHERE {changed}")
        # A changed signal is mutated, not late; a second one of an id that is there unchanged is late.
        # Two conditions, each on equality: joined by OR they would make the engine compare every pair of rows.
        unknown = "NOT EXISTS (FROM saved k WHERE k.content = s.content)"
        no_changed_one = "NOT EXISTS (FROM changed c WHERE c.id = s.id)"
        (unchanged,) = self._cursor.execute(f"SELECT count(*) FROM (FROM {good}) s WHERE {same}").fetchone() or (0,)
        return RowComparison(
            unchanged=unchanged,
            mutated=self._difference(good, changed),
            deleted=self._difference(good, f"NOT {present}"),
            late=self._difference("held", f"{unknown} AND {no_changed_one}"),
        )

    def _add_batches(self, table: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
        self._cursor.register("given_rows", pa.RecordBatchReader.from_batches(schema, batches))
        self._add(table, "given_rows", is_quarantine=False)
        self._cursor.unregister("given_rows")

    def _add(self, table: str, rows: str, *, is_quarantine: bool) -> None:
        content = ", ".join(
            f"CAST(TRY_CAST({name} AS DOUBLE) AS VARCHAR)" if name in NUMBER_COLUMNS else name for name in CSV_COLUMNS
        )
        # Both sides are hashed in one process, so the engine's own hash will do; it distinguishes NULL from ''.
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
def row_comparer() -> Iterator[RowComparer]:
    """A comparer with a session of its own in the engine."""
    with closing(duckdb_engine.cursor()) as cursor:
        yield RowComparer(cursor)
