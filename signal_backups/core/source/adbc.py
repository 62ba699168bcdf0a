"""Running statements on an ADBC connection, each with its own cursor, which is closed, and reading their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode, dbapi

from signal_backups.core.source.base import BATCH_BYTES


def execute(connection: dbapi.Connection, statement: str) -> None:
    """Run a statement that returns no rows.

    Raises:
        dbapi.Error: the database reports an error.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def fetch_all(connection: dbapi.Connection, query: str) -> list[tuple[object, ...]]:
    """Run a query and return its rows; for small results.

    Raises:
        dbapi.Error: the database reports an error.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def read_stream(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a result; what goes wrong between two of them is an error of the database too.

    Raises:
        dbapi.OperationalError: the database reports an error, or the connection was lost.
    """
    while True:
        try:
            batch = reader.read_next_batch()
        except StopIteration:
            return
        except (OSError, pa.ArrowException) as error:
            raise dbapi.OperationalError(str(error), status_code=AdbcStatusCode.IO) from error
        yield batch


def regrouped(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Join small batches to some of at most so many rows, which end soon after ``BATCH_BYTES``."""
    group: list[pa.RecordBatch] = []
    held = size = 0
    for batch in batches:
        if group and (held + batch.num_rows > rows or size > BATCH_BYTES):
            yield pa.concat_batches(group)
            group, held, size = [], 0, 0
        group.append(batch)
        held, size = held + batch.num_rows, size + batch.nbytes
    if group:
        yield pa.concat_batches(group)
