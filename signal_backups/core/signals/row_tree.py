"""The row tree of a day: a Merkle tree whose leaves are the verification hashes of its rows, in file order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals.csv_file import reading_rows
from signal_backups.core.signals.fields import VERIFICATION_HASH
from signal_backups.core.signals.merkle import HASH_BYTES, MerkleTree

#: Number of rows in one chunk of leaf hashes.
_CHUNK_ROWS = 65_536


def leaf_hashes(cursor: duckdb.DuckDBPyConnection, rows: str) -> Iterator[bytes]:
    """Yield the leaf hashes of the rows of a relation, in order, as chunks of concatenated 32-byte hashes.

    Raises:
        VerificationError: a row has no hash.
        duckdb.Error: a hash is not hex, or the relation cannot be read.
    """
    # The same as ``merkle.leaf_hash``, for all rows at once.
    leaves = cursor.sql(f"SELECT unhex(sha256('\\x00'::BLOB || unhex({VERIFICATION_HASH}))) FROM {rows}")
    for batch in leaves.to_arrow_reader(_CHUNK_ROWS):
        column = batch.column(0)
        if column.null_count:
            raise VerificationError(f"{column.null_count} rows have no {VERIFICATION_HASH}")
        if len(column):
            begin = column.offset * HASH_BYTES
            yield column.buffers()[2].to_pybytes()[begin : begin + len(column) * HASH_BYTES]


def row_leaves(path: Path) -> Iterator[bytes]:
    """Yield the leaf hashes of a backup CSV, in file order, as chunks of concatenated 32-byte hashes.

    Raises:
        VerificationError: the file does not parse as a backup CSV, or a row has no hash.
    """
    with reading_rows(path) as (cursor, rows):
        yield from leaf_hashes(cursor, rows)


def root_of_csv(path: Path) -> str:
    """The root of the row tree of a backup CSV, in lower-case hex.

    Raises:
        VerificationError: the file does not parse as a backup CSV, or a row has no hash.
    """
    tree = MerkleTree()
    for chunk in row_leaves(path):
        tree.add(chunk)
    return tree.root().hex()
