"""Values that are too long for a row of a CSV: the quarantine keeps them in pieces.

Everything after the extract works on rows of bounded size. So a row with a longer value is quarantined: the value
is taken out of its column, ``unreadable_values`` says how it begins, how long it is and its SHA-256, and the whole is
written in pieces, each a line of its own of the quarantine CSV. Lines of pieces are no rows (``fields.PIECE``).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from contextlib import closing
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import (
    column_sql,
    extras_of,
    join_parts,
    read_as_stored_sql,
    reading_rows,
    with_extra_columns,
    write_part,
    write_rows,
)
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import (
    FAULTS,
    MAX_ROW_BYTES,
    MAX_VALUE_BYTES,
    PIECE,
    QUARANTINE_COLUMNS,
    REASON,
    TEXT_COLUMNS,
    TIMESTAMP,
    TIMESTAMP_CHARACTERS,
    UNREADABLE_VALUES,
)
from signal_backups.core.source.base import IDENTITY_COLUMNS

#: SQL: the SHA-256 of the value that a piece belongs to.
PIECE_SHA256 = f"right(stored_lines.{REASON}, 64)"

#: A character has at most four bytes, and CSV doubles some of them.
_PIECE_CHARACTERS = 256 * 1024
#: Of a value that is kept in pieces: what people see of it; and how long an unreadable value may be that stays whole.
_BEGINNING, _SHORT = 100, 1_000
_TEXTS = (*TEXT_COLUMNS, UNREADABLE_VALUES)
_PIECE_SCHEMA = pa.schema([(name, pa.string()) for name in QUARANTINE_COLUMNS])


def without_large_values(batch: pa.RecordBatch, folder: Path) -> pa.RecordBatch:
    """Take the values out of a batch's rows that are too long for a CSV, and write them into a folder in pieces.

    Args:
        batch: rows of a source, or of an earlier quarantine.
        folder: where ``pieces`` finds them; each value once, named by its SHA-256.
    """
    sizes = {name: pc.fill_null(pc.binary_length(batch.column(name)), 0) for name in _TEXTS}
    totals = reduce(pc.add, (size.cast(pa.int64()) for size in sizes.values()))
    longest = reduce(pc.max_element_wise, sizes.values())
    is_large = pc.or_(pc.greater(longest, MAX_VALUE_BYTES), pc.greater(totals, MAX_ROW_BYTES))
    is_large = pc.or_(is_large, pc.greater(_extra_bytes(batch), MAX_VALUE_BYTES))
    parts, first = [], 0
    for number in pc.indices_nonzero(is_large).to_pylist():
        (row,) = batch.slice(number, 1).to_pylist()
        parts += [
            batch.slice(first, number - first),
            pa.RecordBatch.from_pylist([_shortened(row, folder)], batch.schema),
        ]
        first = number + 1
    return pa.concat_batches([*parts, batch.slice(first)]) if parts else batch


def pieces(folder: Path) -> list[Path]:
    """The files of all pieces that were written into a folder, in an order that depends on the values alone."""
    return sorted(folder.glob("*.csv")) if folder.is_dir() else []


def copied_with_columns(files: list[Path], count: int) -> list[Path]:
    """Copies of the files, with so many empty columns at the end of their only row.

    Joining removes what it joins, and a day that is merged with its backup is written twice.
    """
    wide = [file.with_suffix(".wide") for file in files]
    for file, target in zip(files, wide, strict=True):
        target.write_bytes(file.read_bytes().removesuffix(b"\n") + b"," * count + b"\n")
    return wide


def with_values_in_pieces(quarantine: Path, folder: Path) -> Path:
    """An earlier quarantine with its values as this release keeps them: earlier ones kept them whole in their columns.

    Args:
        quarantine: the earlier quarantine.
        folder: a scratch folder, into which it is written again.

    Returns:
        What was written; the quarantine itself when no row of it is long.

    Raises:
        VerificationError: it cannot be read.
    """
    extras = extras_of(quarantine)
    quoted = [column_sql(name, extras) for name in extras]
    columns = ", ".join(QUARANTINE_COLUMNS)
    size = " + ".join(f"coalesce(strlen({name}), 0)" for name in (*QUARANTINE_COLUMNS, *quoted))
    is_long = f"({FAULTS} <> '{PIECE}' AND {size} > {MAX_VALUE_BYTES})"
    rows = read_as_stored_sql(quarantine)
    with reading_rows(quarantine) as (cursor, _):
        if not cursor.execute(f"SELECT 1 FROM {rows} WHERE {is_long} LIMIT 1").fetchall():
            return quarantine
        target = folder / "in_pieces.csv"
        parts = [target.with_suffix(".others")]
        write_rows(cursor, f"SELECT * FROM {rows} WHERE NOT {is_long}", parts[0], header=False)
        listed = f"list_value({', '.join(quoted)})" if extras else "CAST(NULL AS VARCHAR[])"
        query = f"SELECT {columns}, {listed} AS {EXTRA_VALUES} FROM {rows} WHERE {is_long}"
        parts += _written_in_pieces(cursor.sql(query).to_arrow_reader(1), extras, target)
    join_parts((*QUARANTINE_COLUMNS, *extras), parts, target)
    return target


def _written_in_pieces(rows: Iterable[pa.RecordBatch], extras: tuple[str, ...], target: Path) -> list[Path]:
    """Write long rows of an earlier quarantine, and the pieces of their values, into files beside a target."""
    parts, values = [], target.with_suffix(".values")
    with closing(duckdb_engine.cursor()) as cursor:
        for number, row in enumerate(rows):
            parts.append(target.with_suffix(f".{number}"))
            shortened = pa.Table.from_batches([without_large_values(row, values)])
            write_part(cursor, with_extra_columns(shortened, extras), parts[-1])
    return parts + copied_with_columns(pieces(values), len(extras))


def write_other_pieces(
    cursor: duckdb.DuckDBPyConnection,
    quarantine: Path,
    folder: Path,
    target: Path,
    condition: str = "true",
    extras: int = 0,
) -> None:
    """Write the pieces that an earlier quarantine has and a folder lacks, without a header.

    Args:
        cursor: where.
        quarantine: the earlier quarantine.
        folder: the folder.
        target: the file to write.
        condition: SQL; only pieces that meet it. ``PIECE_SHA256`` is that of their value.
        extras: how many empty columns the lines get at their end.
    """
    present = ", ".join(sorted({f"'{path.stem.partition('-')[0]}'" for path in pieces(folder)}))
    columns = ", ".join(QUARANTINE_COLUMNS) + ", NULL" * extras
    query = (
        f"SELECT {columns} FROM {read_as_stored_sql(quarantine)} AS stored_lines WHERE {FAULTS} = '{PIECE}' "
        f"AND NOT list_contains([{present}]::VARCHAR[], {PIECE_SHA256}) AND {condition}"
    )
    write_rows(cursor, query, target, header=False)


def _extra_bytes(batch: pa.RecordBatch) -> pa.Array:
    """How long the values of each row's extra columns are together."""
    values = batch.column(EXTRA_VALUES)
    if values.null_count == len(values):
        return pa.array(np.zeros(len(values), np.int64))
    lengths = pc.fill_null(pc.binary_length(values.flatten()), 0)
    totals = np.bincount(pc.list_parent_indices(values).to_numpy(), lengths.to_numpy(), len(values))
    return pa.array(totals.astype(np.int64))


def _shortened(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    stored = {name: value for name, value in json.loads(row[UNREADABLE_VALUES] or "{}").items() if value is not None}
    sizes = {name: len(row[name].encode()) for name in TEXT_COLUMNS if row[name]}
    rest = sum(sizes.values())
    # A fingerprint reads only the identity of a row, so that stays while the other values are too long together.
    for name in sorted(
        sizes, key=lambda name: (sizes[name] <= MAX_VALUE_BYTES, name in IDENTITY_COLUMNS, -sizes[name])
    ):
        if sizes[name] > MAX_VALUE_BYTES or rest > MAX_ROW_BYTES:
            stored.setdefault(name, row[name])
            row[name] = row[name][:TIMESTAMP_CHARACTERS] if name == TIMESTAMP else None
            rest -= sizes[name]
    extras = row[EXTRA_VALUES]
    if extras is not None and sum(len((value or "").encode()) for value in extras) > MAX_VALUE_BYTES:
        stored[EXTRA_VALUES], row[EXTRA_VALUES] = json.dumps(extras, ensure_ascii=False), None
    shown = {name: value if len(value) <= _SHORT else _kept_apart(value, folder) for name, value in stored.items()}
    if REASON in row:  # of an earlier quarantine: it repeats unreadable values
        row[REASON] = reduce(lambda reason, name: reason.replace(stored[name], shown[name]), stored, row[REASON])
    return row | {UNREADABLE_VALUES: json.dumps(shown, ensure_ascii=False)}


def _kept_apart(value: str, folder: Path) -> str:
    """Write a value in pieces; returns what stands for it in ``unreadable_values``."""
    whole = value.encode()
    sha256 = hashlib.sha256(whole).hexdigest()
    folder.mkdir(exist_ok=True)
    numbers = range(0, len(value), _PIECE_CHARACTERS)
    with closing(duckdb_engine.cursor()) as cursor:
        for number, begin in enumerate(numbers, 1):
            row = dict.fromkeys(QUARANTINE_COLUMNS) | {
                UNREADABLE_VALUES: value[begin : begin + _PIECE_CHARACTERS],
                FAULTS: PIECE,
                REASON: f"piece {number} of {len(numbers)} of the value with SHA-256 {sha256}",
            }
            # Two batches that have the same value are examined at the same time.
            unfinished = folder / f"{uuid.uuid4().hex}.unfinished"
            write_part(cursor, pa.Table.from_pylist([row], _PIECE_SCHEMA), unfinished)
            unfinished.replace(folder / f"{sha256}-{number:06}.csv")
    beginning = value[:_BEGINNING]
    return f"{beginning}… ({len(whole):,} bytes long, {MAX_VALUE_BYTES:,} are backed up at most; SHA-256 {sha256})"
