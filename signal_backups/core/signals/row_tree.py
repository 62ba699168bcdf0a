"""The row tree of a day: a Merkle tree whose leaves are the verification hashes of its rows, in file order.

Where a backup has extra columns, which no verification hash covers, the data of a leaf is the verification hash and
the SHA-256 of the row's extra values as JSON (``extra_json``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import duckdb

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals.csv_file import extras_of, literal, reading_rows
from signal_backups.core.signals.duckdb_engine import ESCAPED
from signal_backups.core.signals.extra_columns import value_sql
from signal_backups.core.signals.fields import VERIFICATION_HASH
from signal_backups.core.signals.merkle import HASH_BYTES, MerkleTree
from signal_backups.core.signals.row_hash import NEEDS_ESCAPE

#: Number of rows in one chunk of leaf hashes.
_CHUNK_ROWS = 65_536


def extra_json(values: Mapping[str, str | None]) -> str:
    """The text of the extra values of a row that is hashed: ASCII, keys sorted, as Python's ``json`` writes it."""
    return json.dumps(values, sort_keys=True)


def leaf_data(verification_hash: str, extras: Mapping[str, str | None]) -> bytes:
    """The data of the leaf of one row; see ``leaf_hashes``."""
    data = bytes.fromhex(verification_hash)
    return data + sha256(extra_json(extras).encode("ascii")).digest() if extras else data


def leaf_hashes(cursor: duckdb.DuckDBPyConnection, rows: str, extras: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield the leaf hashes of the rows of a relation, in order, as chunks of concatenated 32-byte hashes.

    Args:
        cursor: where the relation is.
        rows: the relation.
        extras: the names of the columns whose values are in its ``EXTRA_VALUES``.

    Raises:
        VerificationError: a row has no hash.
        duckdb.Error: a hash is not hex, or the relation cannot be read.
    """
    # The same as ``merkle.leaf_hash``, for all rows at once.
    data = f"unhex({VERIFICATION_HASH})"
    if extras:
        data += f" || unhex(sha256({_extra_json_sql(extras)}))"
    leaves = cursor.sql(f"SELECT unhex(sha256('\\x00'::BLOB || {data})) FROM {rows}")
    for batch in leaves.to_arrow_reader(_CHUNK_ROWS):
        column = batch.column(0)
        if column.null_count:
            raise VerificationError(f"{column.null_count} rows have no {VERIFICATION_HASH}")
        if len(column):
            begin = column.offset * HASH_BYTES
            yield column.buffers()[2].to_pybytes()[begin : begin + len(column) * HASH_BYTES]


def row_leaves(path: Path, extras: Sequence[str] = ()) -> Iterator[bytes]:
    """Yield the leaf hashes of a backup CSV, in file order, as chunks of concatenated 32-byte hashes.

    Args:
        path: the file.
        extras: its extra columns that its manifest lists.

    Raises:
        VerificationError: the file does not parse as a backup CSV or lacks one of these columns, or a row has no hash.
    """
    if extras and extras_of(path) != tuple(extras):
        raise VerificationError(f"{path.name} has not the columns that its manifest lists")
    with reading_rows(path) as (cursor, rows):
        yield from leaf_hashes(cursor, rows, extras)


def root_of_csv(path: Path, extras: Sequence[str] = ()) -> str:
    """The root of the row tree of a backup CSV, in lower-case hex; see ``row_leaves``.

    Raises:
        VerificationError: the file does not parse as a backup CSV, or a row has no hash.
    """
    tree = MerkleTree()
    for chunk in row_leaves(path, extras):
        tree.add(chunk)
    return tree.root().hex()


def _extra_json_sql(extras: Sequence[str]) -> str:
    """SQL for ``extra_json``."""
    parts: list[str] = []
    for name in sorted(extras):
        lead = (", " if parts else "{") + json.dumps(name) + ": "
        value = value_sql(name, extras)
        escaped = f"CASE WHEN regexp_matches({value}, '{NEEDS_ESCAPE}') THEN {ESCAPED}({value}) ELSE {value} END"
        parts += [literal(lead), f"coalesce('\"' || {escaped} || '\"', 'null')"]
    return f"concat({', '.join(parts)}, '}}')"
