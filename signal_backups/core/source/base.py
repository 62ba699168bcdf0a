"""The contract between the backup and a signals database.

A source returns the rows of a day, or those of no day, as Arrow batches of bounded size, from one consistent read-only
snapshot. It may return other rows besides, which ``signals.timestamps`` filters out, but it must return:

* of a day every row whose timestamp can be an instant of it, whatever its UTC offset, or begins with its date;
* of no day every row that no read of a day returns.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Protocol

import numpy as np
import pyarrow as pa

from signal_backups.core.base.errors import SourceError
from signal_backups.core.signals.extra_columns import EXTRA_VALUES, SETTING, ExtraColumn
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FIELDS,
    NUMBER_COLUMNS,
    OPTIONAL_COLUMNS,
    REQUIRED_COLUMNS,
    SIGNAL_ID,
    SOURCE_HASH_COLUMNS,
    TIMESTAMP,
    UNREADABLE_VALUES,
    VERIFICATION_HASH,
)
from signal_backups.core.source.row_filters import RowFilters

#: Schema of the batches of a source: the CSV columns (text as string, numbers as double), ``UNREADABLE_VALUES``, and
#: the values of the extra columns that are kept, in the order of ``DaySnapshot.extras``; null when there are none.
SOURCE_SCHEMA = pa.schema(
    [(name, pa.float64() if name in NUMBER_COLUMNS else pa.string()) for name in CSV_COLUMNS]
    + [(UNREADABLE_VALUES, pa.string()), (EXTRA_VALUES, pa.list_(pa.string()))]
)

#: The name in ``unreadable_values`` of extra values that are too long to be kept.
CUT_EXTRAS = "extra columns"

EXTRA_COLUMNS_REMEDY = (
    f"Keep them from the next backup on: {SETTING}=all, or the names with commas between; or say that they are not "
    f"needed: {SETTING}=ignore"
)

#: The columns of a fingerprint; an index that covers them is read instead of the table.
IDENTITY_COLUMNS = (TIMESTAMP, SIGNAL_ID, VERIFICATION_HASH)
IDENTITY_SCHEMA = pa.schema([(name, pa.string()) for name in IDENTITY_COLUMNS])

#: Batches end at whichever comes first; a longer row is a batch of its own.
BATCH_ROWS = 65_536
BATCH_BYTES = 16 * 1024 * 1024

#: Larger integers may not be exact doubles; rounding one would change the signal.
EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class SourceDescription:
    """The table that was read, without credentials; stored in the manifest as ``source``.

    Attributes:
        engine: the database.
        location: file, or host, port and database.
        table: its name.
        hash_column: the column of the verification hash.
        optional_columns: the optional fields that it has.
        extra_columns: columns that are no field and are kept, in the order of the table.
        unknown_columns: columns that a backup leaves out.
        absent_columns: columns that are to be kept and that the table does not have.
        is_settled: whether somebody decided that the unknown columns are left out.
    """

    engine: str
    location: str
    table: str
    hash_column: str
    optional_columns: tuple[str, ...]
    extra_columns: tuple[ExtraColumn, ...] = ()
    unknown_columns: tuple[ExtraColumn, ...] = ()
    absent_columns: tuple[str, ...] = ()
    is_settled: bool = False

    @property
    def has_no_surprise(self) -> bool:
        """Whether no column is left out that nobody decided about, and none to be kept is absent."""
        return not self.absent_columns and (self.is_settled or not self.unknown_columns)

    @property
    def about_columns(self) -> str:
        """What backups keep of the table's columns, for people."""
        words = []
        if self.unknown_columns:
            words.append(f"backups leave out {', '.join(map(str, self.unknown_columns))}")
        if self.absent_columns:
            words.append(f"the table has no column {', '.join(self.absent_columns)}, which {SETTING} names")
        return "; ".join(words) or "every column of the table is backed up"

    def as_dict(self) -> dict[str, object]:
        """The fields as values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class DaySnapshot:
    """A consistent read of a day: its batches (``SOURCE_SCHEMA``), and the snapshot's id in the database.

    ``extras`` are the names of the extra columns whose values the batches have.
    """

    batches: Iterator[pa.RecordBatch]
    snapshot_id: str
    extras: tuple[str, ...] = ()


class SignalSource(Protocol):
    """A signals table that can be read day by day.

    Every method raises ``SourceError`` when the database is missing, locked, unreachable or not a signals table; an
    unreadable source is never read as empty.
    """

    def describe(self) -> SourceDescription:
        """Describe the table."""

    def read_day(self, day: date) -> AbstractContextManager[DaySnapshot]:
        """Open a read-only snapshot that covers ``day``; the batches are valid only inside the ``with`` block."""

    def read_undated(self, first: date, last: date) -> AbstractContextManager[DaySnapshot]:
        """Like ``read_day``, of the rows that belong to no day from ``first`` to ``last``, both included."""

    def read_identities(self, day: date) -> AbstractContextManager[DaySnapshot]:
        """Like ``read_day``, but only with the columns of ``IDENTITY_SCHEMA``."""


@dataclass(frozen=True)
class TableColumns:
    """Field name -> name of its column in a table, and the extra columns that are kept."""

    columns: dict[str, str]
    extras: tuple[ExtraColumn, ...] = ()

    @property
    def extra_names(self) -> tuple[str, ...]:
        """The names of the extra columns that are kept."""
        return tuple(column.name for column in self.extras)

    @property
    def hash_column(self) -> str:
        """The column of the producer's hash."""
        return self.columns[VERIFICATION_HASH]

    @property
    def optional_present(self) -> tuple[str, ...]:
        """Optional fields that the table has."""
        return tuple(name for name in OPTIONAL_COLUMNS if name in self.columns)

    def others(self, types: Mapping[str, str]) -> tuple[ExtraColumn, ...]:
        """The columns that are no field, of all columns of the table (name -> type)."""
        fields = set(self.columns.values())
        return tuple(ExtraColumn(name, kind) for name, kind in types.items() if name not in fields)

    @classmethod
    def match(cls, table: str, present: list[str]) -> TableColumns:
        """Find each field among a table's columns, ignoring case where no column has the exact name.

        Raises:
            SourceError: a required column is missing, or several columns could be the one of a field.
        """
        wanted = {each.name for each in FIELDS} | set(SOURCE_HASH_COLUMNS)
        by_name = {name: found for name in wanted if (found := _column_named(name, table, present)) is not None}
        columns = {each.name: by_name[each.name] for each in FIELDS if each.name in by_name}
        stored_hash = next((name for name in SOURCE_HASH_COLUMNS if name in by_name), None)
        if stored_hash is not None:
            columns[VERIFICATION_HASH] = by_name[stored_hash]
        missing = [name for name in REQUIRED_COLUMNS if name not in columns]
        if missing:
            names = [" or ".join(SOURCE_HASH_COLUMNS) if name == VERIFICATION_HASH else name for name in missing]
            raise SourceError(
                f"table {table!r} has no column {', '.join(names)}",
                remedy=f"It has: {', '.join(present)}. Check SIGNALS_TABLE and SIGNALS_DATABASE_URL",
            )
        return cls(columns)


def _column_named(name: str, table: str, present: list[str]) -> str | None:
    found = [column for column in present if column.lower() == name]
    if name in found:
        return name
    if len(found) > 1:
        raise SourceError(
            f"table {table!r} has {len(found)} columns for {name}: {', '.join(found)}",
            remedy=f"Rename the one that holds it to {name}, or back up a view that has only one of them",
        )
    return found[0] if found else None


@dataclass(frozen=True)
class SignalTable:
    """A signals table as seen inside an open transaction of the caller, with what the caller wrote.

    Attributes:
        columns: the names of its columns.
        rows: reads the rows (``SOURCE_SCHEMA``) that meet an SQL condition; the table's alias in it is ``t``.
        filters: SQL conditions on its timestamps, with the same alias.
        types: column name -> database type; empty where columns have no type.
    """

    columns: TableColumns
    rows: Callable[[str], Generator[pa.RecordBatch]]
    filters: RowFilters
    types: Mapping[str, str] = field(default_factory=dict)


def with_extra_values(columns: Sequence[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    """A batch of a schema that ends with ``EXTRA_VALUES``; the columns beyond the others become the lists of it."""
    known, rows = len(schema) - 1, len(columns[0])
    extras = columns[known:]
    if extras:
        # The values column by column, taken row by row.
        order = np.arange(rows * len(extras)).reshape(len(extras), rows).T.ravel()
        values = pa.concat_arrays([column.cast(pa.string()) for column in extras]).take(pa.array(order))
        lists = pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * len(extras), pa.int32()), values)
    else:
        lists = pa.nulls(rows, schema.field(known).type)
    return pa.record_batch([*columns[:known], lists], schema=schema)


def cut_extras(
    names: Sequence[str], is_longer: Callable[[str], str], beginning: Callable[[str], str]
) -> tuple[str, str]:
    """SQL: whether an extra value is longer than is kept, and how those that are begin, as one text.

    Args:
        names: of the extra columns; at least one.
        is_longer: SQL condition on a quoted column.
        beginning: SQL of the text for a quoted column.
    """
    columns = {quoted(name): name.replace("'", "''") for name in names}
    # One text, because a function has a limited number of arguments.
    texts = [
        f"CASE WHEN {is_longer(column)} THEN '{name}: ' || {beginning(column)} || ' ' ELSE '' END"
        for column, name in columns.items()
    ]
    return " OR ".join(map(is_longer, columns)), f"trim({' || '.join(texts)})"


def quoted(identifier: str) -> str:
    """Quote an SQL identifier, for both databases."""
    return '"' + identifier.replace('"', '""') + '"'
