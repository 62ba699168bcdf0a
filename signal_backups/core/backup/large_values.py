"""Values that are too long for a row of a CSV: the quarantine keeps them in pieces.

Everything after the extract works on rows of bounded size. So a row with a longer value is quarantined: the value
is taken out of its column, ``unreadable_values`` says how it begins, how long it is and its SHA-256, and the whole is
written in pieces, each a line of its own of the quarantine CSV. Lines of pieces are no rows (``fields.PIECE``).
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from contextlib import closing
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.csv_file import read_as_stored_sql, write_part, write_rows
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import (
    FAULTS,
    MAX_ROW_BYTES,
    MAX_VALUE_BYTES,
    PIECE,
    QUARANTINE_COLUMNS,
    REASON,
    TIMESTAMP,
    TIMESTAMP_CHARACTERS,
    UNREADABLE_VALUES,
)
from signal_backups.core.source.base import IDENTITY_COLUMNS

#: SQL: the SHA-256 of the value that a piece belongs to.
PIECE_SHA256 = f"right({REASON}, 64)"

#: A character has at most four bytes, and CSV doubles some of them.
_PIECE_CHARACTERS = 256 * 1024
#: Of a value that is kept in pieces: what people see of it; and how long an unreadable value may be that stays whole.
_BEGINNING, _SHORT = 100, 1_000
_PIECE_SCHEMA = pa.schema([(name, pa.string()) for name in QUARANTINE_COLUMNS])


def without_large_values(batch: pa.RecordBatch, folder: Path) -> pa.RecordBatch:
    """Take the values out of a batch's rows that are too long for a CSV, and write them into a folder in pieces.

    Args:
        batch: rows of a source.
        folder: where ``pieces`` finds them; each value once, named by its SHA-256.
    """
    sizes = {name: pc.fill_null(pc.binary_length(batch.column(name)), 0) for name in _text_columns(batch)}
    totals = reduce(pc.add, (size.cast(pa.int64()) for size in sizes.values()))
    longest = reduce(pc.max_element_wise, sizes.values())
    is_large = pc.or_(pc.greater(longest, MAX_VALUE_BYTES), pc.greater(totals, MAX_ROW_BYTES))
    is_large = pc.or_(is_large, pc.greater(_extra_bytes(batch), MAX_VALUE_BYTES))
    parts, first = [], 0
    for number in pc.indices_nonzero(is_large).to_pylist():
        (row,) = batch.slice(number, 1).to_pylist()
        parts += [
            batch.slice(first, number - first),
            pa.RecordBatch.from_pylist([_shortened(row, list(sizes), folder)], batch.schema),
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
        f"SELECT {columns} FROM {read_as_stored_sql(quarantine)} WHERE {FAULTS} = '{PIECE}' "
        f"AND NOT list_contains([{present}]::VARCHAR[], {PIECE_SHA256}) AND {condition}"
    )
    write_rows(cursor, query, target, header=False)


def _text_columns(batch: pa.RecordBatch) -> list[str]:
    return [field.name for field in batch.schema if pa.types.is_string(field.type)]


def _extra_bytes(batch: pa.RecordBatch) -> pa.Array:
    """How long the values of each row's extra columns are together."""
    values = batch.column(EXTRA_VALUES)
    if values.null_count == len(values):
        return pa.array(np.zeros(len(values), np.int64))
    lengths = pc.fill_null(pc.binary_length(values.flatten()), 0)
    totals = np.bincount(pc.list_parent_indices(values).to_numpy(), lengths.to_numpy(), len(values))
    return pa.array(totals.astype(np.int64))


def _shortened(row: dict[str, Any], texts: Sequence[str], folder: Path) -> dict[str, Any]:
    stored = {name: value for name, value in json.loads(row[UNREADABLE_VALUES] or "{}").items() if value is not None}
    sizes = {name: len(row[name].encode()) for name in texts if name != UNREADABLE_VALUES and row[name]}
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
