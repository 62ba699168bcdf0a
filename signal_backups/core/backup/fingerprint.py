"""The fingerprint of a day: cheap to take from the database, and another one when a signal came, went or changed.

It is the number of rows and the sum of a hash of each row's id and stored hash, whatever their order. It is no proof
(a value changed without its hash goes unseen, which a reconciliation finds), it shows which days to compare.
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
from signal_backups.core.signals.timestamps import INSTANT, cut
from signal_backups.core.source import IDENTITY_SCHEMA, SignalSource

# MD5, because it must be the same in years to come; the separator cannot be part of a hash.
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
        closing(duckdb_engine.cursor()) as cutting,
        closing(duckdb_engine.cursor()) as summing,
    ):
        of_day = (cut(cutting, batch, day) for batch in snapshot.batches)
        schema = IDENTITY_SCHEMA.append(pa.field(INSTANT, pa.int64()))
        return _fingerprint(summing, pa.RecordBatchReader.from_batches(schema, of_day))


def _fingerprint(cursor: duckdb.DuckDBPyConnection, rows: pa.RecordBatchReader) -> str:
    cursor.register("identities", rows)
    ((count, total),) = cursor.execute(f"SELECT count(*), {_SUM} FROM identities").fetchall()
    cursor.unregister("identities")
    return f"{count}-{total:x}"
