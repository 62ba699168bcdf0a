"""The fingerprint of a day: a cheap checksum that differs when a signal was added, deleted or changed.

It is the number of rows and the sum of a hash over each row's id and stored hash, in any order. It only shows which
days to compare: a value that was changed without its hash is found by a reconciliation, not by the fingerprint.
"""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from signal_backups.core.backup.extract import reading_extract
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.fields import SIGNAL_ID, VERIFICATION_HASH
from signal_backups.core.signals.timestamps import INSTANT, rows_of_day
from signal_backups.core.source import IDENTITY_SCHEMA, SignalSource

# MD5, because fingerprints are stored and must never change; the separator cannot occur in a hash.
_SUM = f"coalesce(sum(md5_number_lower(concat({SIGNAL_ID}, '|', {VERIFICATION_HASH}))), 0)"


def fingerprint_of_extract(extract: Path) -> str:
    """The fingerprint of an extracted day."""
    with closing(duckdb_engine.cursor()) as cursor, reading_extract(extract) as rows:
        return _fingerprint(cursor, rows)


def fingerprint_of_source(source: SignalSource, day: date) -> str:
    """The fingerprint of a day in the database.

    Raises:
        SourceError: the database cannot be read.
    """
    with (
        source.read_identities(day) as snapshot,
        closing(duckdb_engine.cursor()) as day_cursor,
        closing(duckdb_engine.cursor()) as sum_cursor,
    ):
        of_day = (rows_of_day(day_cursor, batch, day) for batch in snapshot.batches)
        schema = IDENTITY_SCHEMA.append(pa.field(INSTANT, pa.int64()))
        return _fingerprint(sum_cursor, pa.RecordBatchReader.from_batches(schema, of_day))


def _fingerprint(cursor: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader) -> str:
    cursor.register("identities", rows)
    ((count, total),) = cursor.execute(f"SELECT count(*), {_SUM} FROM identities").fetchall()
    cursor.unregister("identities")
    return f"{count}-{total:x}"
