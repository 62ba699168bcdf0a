"""Keeping the rows of the database that belong to no day, in one object of their own.

A row belongs to no day when its timestamp is no instant and begins with no date, or is before the first partition or
after today. No backup of a day reads such rows, so they are looked for once a day, by themselves. The object only
grows: a row that the database no longer has, or that got a day, stays in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from signal_backups.core.backup.large_values import pieces, without_large_values, write_other_pieces
from signal_backups.core.backup.row_content import content_sql
from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import NotFoundError
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import join_files, read_quarantine_sql, write_rows
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FAULTS,
    QUARANTINE_COLUMNS,
    REASON,
    SIGNAL_ID,
    TIMESTAMP,
    UNREADABLE_VALUES,
)
from signal_backups.core.signals.timestamps import INSTANT, is_before_sql, names_a_day_sql, undated_rows
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.findings import Examination, newest_findings, record_undated
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.undated_rows import UndatedRow, UndatedRows
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_evidence

#: How many undated rows are named.
NAMED_ROWS = 10
#: The fault of an undated row in its quarantine; the days' own are ``quarantine.Fault``.
UNDATED = "undated"

_SCHEMA = pa.schema([(name, pa.string()) for name in QUARANTINE_COLUMNS])
_ORDER = ", ".join(f"{name} NULLS FIRST" for name in (TIMESTAMP, SIGNAL_ID, *CSV_COLUMNS, UNREADABLE_VALUES))


@dataclass(frozen=True)
class Partitions:
    """The days that have a partition: from ``first`` to ``today`` (UTC), both included."""

    first: date
    today: date

    @property
    def reason(self) -> str:
        """SQL: why a row belongs to none of them."""
        return (
            f"CASE WHEN {TIMESTAMP} IS NULL THEN 'without timestamp' "
            f"WHEN {INSTANT} IS NULL AND NOT {names_a_day_sql()} THEN 'with a timestamp that names no day' "
            f"WHEN {is_before_sql(self.first)} THEN 'before the start date {self.first}' ELSE 'in the future' END"
        )


def keep_undated(vault: BackupVault, source: SignalSource, folder: Path, partitions: Partitions) -> UndatedRows:
    """Store the undated rows of the database, together with those that were kept before, and record what there is.

    Args:
        vault: where to.
        source: the database.
        folder: an empty scratch folder.
        partitions: the days that rows can belong to.

    Raises:
        SourceError: the database cannot be read.
        StoreError: the store cannot be reached or refuses.
        VerificationError: the store returns other bytes than were sent.
    """
    before, general = _kept_before(vault, folder)
    with _undated_tables(source, folder, partitions, before) as tables:
        undated = tables.summary()
        if before is None and not undated.rows:
            stored = None
        else:
            target = folder / "undated.csv"
            rows = folder / "undated_rows.csv"
            tables.write(rows)
            join_files(target, [rows, *_pieces(folder, before)])
            stored = _stored(vault, target, undated.rows, before.stored if before else None, partitions.today)
    undated = undated.model_copy(update={"stored": stored})
    record_undated(vault, undated, general)
    return undated


def compare_undated(
    vault: BackupVault, source: SignalSource, folder: Path, partitions: Partitions
) -> tuple[UndatedRows, UndatedRows]:
    """The undated rows of the database, and those of them that are not kept yet; stores nothing.

    Raises:
        SourceError: the database cannot be read.
        StoreError: the store cannot be reached.
    """
    before, _ = _kept_before(vault, folder)
    with _undated_tables(source, folder, partitions, before) as tables:
        return tables.summary(), tables.summary("now WHERE NOT is_kept")


@dataclass(frozen=True)
class _Kept:
    """What was kept before, downloaded."""

    stored: StoredFile
    csv: Path


def _kept_before(vault: BackupVault, folder: Path) -> tuple[_Kept | None, list[str]]:
    """What is kept by now, and what is wrong with it."""
    found = newest_findings(vault).get(Examination.UNDATED_SIGNALS)
    stored = found.undated.stored if found is not None and found.undated is not None else None
    if stored is None:
        return None, []
    csv = fetch_undated(vault, stored, folder)
    if csv is None:
        what = f"the undated rows, {vault.store.uri(stored.key)} version {stored.version_id}, are gone or were altered"
        return None, [f"{what}; those that the database still has are stored again"]
    return _Kept(stored, csv), []


def fetch_kept(vault: BackupVault, folder: Path) -> Path | None:
    """Download the undated rows that are kept by now; None when there are none.

    Raises:
        StoreError: the store cannot be reached.
    """
    before, _ = _kept_before(vault, folder)
    return before.csv if before is not None else None


def fetch_undated(vault: BackupVault, stored: StoredFile, folder: Path) -> Path | None:
    """Download kept undated rows; None when they are gone, or are not what was recorded.

    Raises:
        StoreError: the store cannot be reached.
    """
    csv = folder / "kept_undated.csv"
    try:
        vault.store.get_file(stored.key, stored.version_id, csv)
    except NotFoundError:
        return None
    return csv if digest(csv).sha256 == stored.sha256 else None


def _stored(vault: BackupVault, csv: Path, rows: int, before: StoredFile | None, today: date) -> StoredFile:
    made = digest(csv)
    if before is not None and before.sha256 == made.sha256:
        return before
    return put_evidence(vault, vault.layout.undated_key, csv, made, rows, today)


class _Tables:
    """The tables ``now``, the undated rows of the database, and ``kept``, those that were kept before."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def summary(self, rows: str = "now") -> UndatedRows:
        """The numbers, reasons and first rows of a part of ``now``, and of all that is to be kept."""
        counted = self._all(f"SELECT {REASON}, count(*) FROM {rows} GROUP BY 1 ORDER BY 1")
        named = self._all(f"SELECT {SIGNAL_ID}, {TIMESTAMP}, {REASON} FROM {rows} ORDER BY {_ORDER} LIMIT {NAMED_ROWS}")
        ((kept,),) = self._all("SELECT count(*) FROM only_kept")
        in_database = sum(int(str(count)) for _, count in counted)
        return UndatedRows(
            rows=in_database + int(str(kept)),
            in_database=in_database,
            reasons={str(reason): int(str(count)) for reason, count in counted},
            named=[
                UndatedRow.model_validate(dict(zip(("signal_id", "timestamp", "reason"), row, strict=True)))
                for row in named
            ],
        )

    def write(self, target: Path) -> None:
        """Write what is to be kept."""
        columns = ", ".join(QUARANTINE_COLUMNS)
        union = f"SELECT {columns} FROM now UNION ALL SELECT {columns} FROM only_kept"
        write_rows(self._cursor, f"SELECT {columns} FROM ({union}) ORDER BY {_ORDER}, {REASON}", target)

    def _all(self, query: str) -> list[tuple[object, ...]]:
        return list(self._cursor.execute(query).fetchall())


@contextmanager
def _undated_tables(
    source: SignalSource, folder: Path, partitions: Partitions, before: _Kept | None
) -> Iterator[_Tables]:
    read = folder / "undated.arrow"
    with pa.OSFile(str(read), "wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
        for rows in _undated_of(source, folder, partitions):
            writer.write_table(rows)
    kept = read_quarantine_sql(before.csv) if before is not None else "(FROM read_undated LIMIT 0)"
    with closing(duckdb_engine.cursor()) as cursor, pa.memory_map(str(read)) as mapped:
        cursor.register("read_undated", pa.ipc.open_file(mapped).read_all())
        cursor.execute(
            f"CREATE OR REPLACE TEMP TABLE kept_contents AS SELECT {content_sql()} AS content FROM {kept};"
            f"CREATE OR REPLACE TEMP TABLE contents AS SELECT {content_sql()} AS content FROM read_undated;"
            f"CREATE OR REPLACE TEMP VIEW now AS SELECT *, "
            f"{content_sql()} IN (FROM kept_contents) AS is_kept FROM read_undated;"
            f"CREATE OR REPLACE TEMP VIEW only_kept AS "
            f"SELECT * FROM {kept} WHERE {content_sql()} NOT IN (FROM contents)"
        )
        yield _Tables(cursor)


def _pieces(folder: Path, before: _Kept | None) -> list[Path]:
    """The files of the values that are too long for a row, in pieces; those that were kept before are first."""
    found = pieces(_large_values(folder))
    if before is None:
        return found
    kept = folder / "kept_pieces.csv"
    with closing(duckdb_engine.cursor()) as cursor:
        write_other_pieces(cursor, before.csv, _large_values(folder), kept)
    return [kept, *found]


def _large_values(folder: Path) -> Path:
    return folder / "large_values"


def _undated_of(source: SignalSource, folder: Path, partitions: Partitions) -> Iterator[pa.Table]:
    """The undated rows of the database, as rows of a quarantine."""
    texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in (*CSV_COLUMNS, UNREADABLE_VALUES))
    with (
        source.read_undated(partitions.first, partitions.today) as snapshot,
        closing(duckdb_engine.cursor()) as cursor,
    ):
        for batch in snapshot.batches:
            rows = undated_rows(cursor, batch, partitions.first, partitions.today)
            rows = without_large_values(rows, _large_values(folder))
            if rows.num_rows:
                cursor.register("undated", pa.Table.from_batches([rows]))
                query = f"SELECT {texts}, '{UNDATED}' AS {FAULTS}, {partitions.reason} AS {REASON} FROM undated"
                yield cursor.sql(query).to_arrow_table().cast(_SCHEMA)
                cursor.unregister("undated")
