"""The undated rows of the database beside those that were kept before, as tables to count, compare and write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from signal_backups.core.backup.large_values import (
    copied_with_columns,
    pieces,
    without_large_values,
    write_other_pieces,
)
from signal_backups.core.backup.row_content import content_sql
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import column_sql, extras_of, join_files, read_quarantine_sql, write_rows
from signal_backups.core.signals.extra_columns import EXTRA_VALUES, value_sql
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
from signal_backups.core.vault.undated_rows import UndatedRow, UndatedRows

#: How many undated rows are named.
NAMED_ROWS = 10
#: The fault of an undated row in its quarantine; the days' own are ``quarantine.Fault``.
UNDATED = "undated"

_SCHEMA = pa.schema([*((name, pa.string()) for name in QUARANTINE_COLUMNS), (EXTRA_VALUES, pa.list_(pa.string()))])
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


class UndatedTables:
    """Undated rows in three tables.

    They are ``now``: those of the database, ``new_rows``: those of them that are not kept yet, and ``only_kept``: those
    that were kept before and that the database no longer has.
    """

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, folder: Path, kept: Path | None, extras: Sequence[str]
    ) -> None:
        self._cursor = cursor
        self._folder = folder
        self._kept = kept
        self._extras = extras

    def summary(self, rows: str = "now") -> UndatedRows:
        """The numbers, reasons and first rows of ``now`` or ``new_rows``, and of all that is to be kept."""
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
        """Write what is to be kept, values that are too long for a row in pieces after the rows."""
        rows = target.with_suffix(".rows")
        order = ", ".join([_ORDER, REASON, *(column_sql(name, self._extras) for name in self._extras)])
        write_rows(self._cursor, f"SELECT * FROM (FROM now UNION ALL FROM only_kept) ORDER BY {order}", rows)
        join_files(target, [rows, *self._pieces()])

    def _pieces(self) -> list[Path]:
        """The files of the pieces; those that were kept before are first."""
        values = _large_values(self._folder)
        found = copied_with_columns(pieces(values), len(self._extras))
        if self._kept is None:
            return found
        kept = self._folder / "kept_pieces.csv"
        write_other_pieces(self._cursor, self._kept, values, kept, extras=len(self._extras))
        return [kept, *found]

    def _all(self, query: str) -> list[tuple[object, ...]]:
        return list(self._cursor.execute(query).fetchall())


@contextmanager
def undated_tables(
    source: SignalSource, folder: Path, partitions: Partitions, kept: Path | None
) -> Iterator[UndatedTables]:
    """Read the undated rows of the database.

    Args:
        source: the database.
        folder: a scratch folder.
        partitions: the days that rows can belong to.
        kept: the CSV of the rows that were kept before; None: there are none.

    Raises:
        SourceError: the database cannot be read.
    """
    read = folder / "undated.arrow"
    names = _Names(extras_of(kept) if kept is not None else (), _read(source, folder, partitions, read))
    with closing(duckdb_engine.cursor()) as cursor, pa.memory_map(str(read)) as mapped:
        cursor.register("read_undated", pa.ipc.open_file(mapped).read_all())
        _make_tables(cursor, names, read_quarantine_sql(kept) if kept is not None else "(FROM read_undated LIMIT 0)")
        yield UndatedTables(cursor, folder, kept, names.all)


class _Names:
    """The names of extra columns; those of kept rows and of the database are the same whatever their case.

    Attributes:
        kept: those of the kept rows.
        now: those of the database, as the kept rows spell them.
        all: those of both.
        lost: those that the database no longer has.
        common: those that both have.
    """

    def __init__(self, kept: Sequence[str], now: Sequence[str]) -> None:
        spelled = {name.lower(): name for name in kept}
        self.kept = tuple(kept)
        self.now = tuple(spelled.get(name.lower(), name) for name in now)
        self.all = tuple(dict.fromkeys([*self.kept, *self.now]))
        self.lost = tuple(name for name in self.kept if name not in self.now)
        self.common = tuple(name for name in self.kept if name in self.now)


def _make_tables(cursor: duckdb.DuckDBPyConnection, names: _Names, kept: str) -> None:
    """Make the tables. Rows are the same that agree in the columns of both; lost columns keep their values."""
    lost = [column_sql(name, names.kept) for name in names.lost]
    variants = f"ORDER BY {', '.join(f'{name} NULLS LAST' for name in lost)}" if lost else ""
    values = [
        f"k.{column_sql(name, names.all)}" if name in names.lost else value_sql(name, names.now) for name in names.all
    ]
    now = ", ".join([*(f"n.{name}" for name in QUARANTINE_COLUMNS), *_named(names, values)])
    before = ", ".join([*QUARANTINE_COLUMNS, *_named(names, [column_sql(name, names.kept) for name in names.all])])
    lost_values = "".join(f", any_value({name}) AS {name}" for name in lost)
    of_now = content_sql(value_sql(name, names.now) for name in names.common)
    of_kept = content_sql(column_sql(name, names.kept) for name in names.common)
    cursor.execute(
        f"CREATE OR REPLACE TEMP TABLE variants AS SELECT {of_kept} AS undated_content, "
        f"dense_rank() OVER (PARTITION BY {of_kept} {variants}) AS undated_variant, {before} FROM {kept};"
        f"CREATE OR REPLACE TEMP TABLE first_variants AS SELECT undated_content{lost_values} FROM variants "
        "WHERE undated_variant = 1 GROUP BY 1;"
        f"CREATE OR REPLACE TEMP TABLE found AS SELECT n.undated_content, k.undated_content IS NULL AS undated_is_new, "
        f"{now} FROM (SELECT *, {of_now} AS undated_content FROM read_undated) n "
        "LEFT JOIN first_variants k ON k.undated_content = n.undated_content;"
        "CREATE OR REPLACE TEMP VIEW now AS SELECT * EXCLUDE (undated_content, undated_is_new) FROM found;"
        "CREATE OR REPLACE TEMP VIEW new_rows AS FROM found WHERE undated_is_new;"
        "CREATE OR REPLACE TEMP VIEW only_kept AS SELECT * EXCLUDE (undated_content, undated_variant) FROM variants "
        "WHERE undated_variant > 1 OR undated_content NOT IN (SELECT undated_content FROM found)"
    )


def _named(names: _Names, values: Sequence[str]) -> Iterator[str]:
    return (f"{value} AS {column_sql(name, names.all)}" for name, value in zip(names.all, values, strict=True))


def _large_values(folder: Path) -> Path:
    return folder / "large_values"


def _read(source: SignalSource, folder: Path, partitions: Partitions, target: Path) -> tuple[str, ...]:
    """Write the undated rows of the database, as rows of a quarantine; returns the names of their extra columns."""
    texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in (*CSV_COLUMNS, UNREADABLE_VALUES))
    with (
        source.read_undated(partitions.first, partitions.today) as snapshot,
        closing(duckdb_engine.cursor()) as cursor,
        pa.OSFile(str(target), "wb") as file,
        pa.ipc.new_file(file, _SCHEMA) as writer,
    ):
        for batch in snapshot.batches:
            rows = undated_rows(cursor, batch, partitions.first, partitions.today)
            rows = without_large_values(rows, _large_values(folder))
            if rows.num_rows:
                cursor.register("undated", pa.Table.from_batches([rows]))
                reasons = f"'{UNDATED}' AS {FAULTS}, {partitions.reason} AS {REASON}"
                query = f"SELECT {texts}, {reasons}, {EXTRA_VALUES} FROM undated"
                writer.write_table(cursor.sql(query).to_arrow_table().cast(_SCHEMA))
                cursor.unregister("undated")
        return snapshot.extras
