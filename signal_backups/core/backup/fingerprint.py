"""The fingerprint of a day: a cheap checksum that differs when a signal was added, deleted or changed.

It is the number of rows and the sum of a hash over each row's id and stored hash, in any order. It only shows which
days to compare: a value that was changed without its hash is found by a reconciliation, not by the fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import date
from pathlib import Path

import pyarrow as pa

from signal_backups.core.backup.extract import reading_extract
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.fields import SIGNAL_ID, VERIFICATION_HASH
from signal_backups.core.signals.timestamps import rows_of_day
from signal_backups.core.source import SignalSource

# MD5, because fingerprints are stored and must never change; the separator cannot occur in a hash.
_SUM = f"coalesce(sum(md5_number_lower(concat({SIGNAL_ID}, '|', {VERIFICATION_HASH}))), 0)"


def fingerprint_of_extract(extract: Path) -> str:
    """The fingerprint of an extracted day."""
    with reading_extract(extract) as rows:
        return _fingerprint(rows)


def fingerprint_of_source(source: SignalSource, day: date) -> str:
    """The fingerprint of a day in the database.

    Raises:
        SourceError: the database cannot be read.
    """
    with source.read_identities(day) as snapshot, closing(duckdb_engine.cursor()) as cursor:
        return _fingerprint(rows_of_day(cursor, batch, day) for batch in snapshot.batches)


def _fingerprint(batches: Iterable[pa.RecordBatch]) -> str:
    rows = total = 0
    with closing(duckdb_engine.cursor()) as cursor:
        # One by one, because DuckDB would turn the database's error, when reading fails, into one of its own.
        for batch in batches:
            cursor.register("identities", pa.Table.from_batches([batch]))
            ((part,),) = cursor.execute(f"SELECT {_SUM} FROM identities").fetchall()
            cursor.unregister("identities")
            rows, total = rows + batch.num_rows, total + part
    return f"{rows}-{total:x}"
