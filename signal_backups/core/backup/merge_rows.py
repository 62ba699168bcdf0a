"""Merging two files of examined rows in backup order, with two batches of each in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.backup.examine_rows import EXAMINED_SCHEMA
from signal_backups.core.backup.extract import ORDER
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.fields import SIGNAL_ID
from signal_backups.core.signals.timestamps import INSTANT

_AFTER_ALL_INSTANTS = 2**63 - 1
_AFTER_ALL_IDS = "\U0010ffff"

_Key = tuple[int, str]


def merged(one: Iterator[pa.RecordBatch], other: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of both streams (``EXAMINED_SCHEMA``, each in backup order) in backup order."""
    streams = [_Stream(one), _Stream(other)]
    with closing(duckdb_engine.cursor()) as cursor:
        while live := [stream for stream in streams if stream.rows.num_rows]:
            # Beyond this row one of the streams has not been read yet.
            until = min(stream.last for stream in live)
            chunk = pa.concat_tables([stream.take(until) for stream in live])
            cursor.register("chunk", chunk)
            ordered = cursor.sql(f"SELECT * FROM chunk ORDER BY {ORDER}").to_arrow_table()
            cursor.unregister("chunk")
            yield from ordered.cast(EXAMINED_SCHEMA).to_batches()


class _Stream:
    """The rows of a stream that were read and not yet taken; none at its end."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = (batch for batch in batches if batch.num_rows)
        self.rows: pa.Table = EXAMINED_SCHEMA.empty_table()
        self._refill()

    @property
    def last(self) -> _Key:
        """The place of the last row that was read."""
        end = self.rows.slice(self.rows.num_rows - 1)
        instant, signal_id = (end.column(name)[0].as_py() for name in (INSTANT, SIGNAL_ID))
        return (_AFTER_ALL_INSTANTS if instant is None else instant, _AFTER_ALL_IDS if signal_id is None else signal_id)

    def take(self, until: _Key) -> pa.Table:
        """Take the rows up to a place, which is not after the last one read."""
        instants = pc.fill_null(self.rows.column(INSTANT), _AFTER_ALL_INSTANTS)
        ids = pc.fill_null(self.rows.column(SIGNAL_ID), _AFTER_ALL_IDS)
        instant, signal_id = until
        is_up_to = pc.or_(
            pc.less(instants, instant), pc.and_(pc.equal(instants, instant), pc.less_equal(ids, signal_id))
        )
        taken, self.rows = self.rows.filter(is_up_to), self.rows.filter(pc.invert(is_up_to))
        if not self.rows.num_rows:
            self._refill()
        return taken

    def _refill(self) -> None:
        self.rows = pa.Table.from_batches(list(islice(self._batches, 1)), EXAMINED_SCHEMA)
