"""Stage one: read the rows of one UTC day from the database, examine them, and write them to disk in order."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from signal_backups.core.backup.examine_rows import EXAMINED_SCHEMA, examine
from signal_backups.core.backup.large_values import without_large_values
from signal_backups.core.backup.scratch import DayFolder, StageReport
from signal_backups.core.base.logs import log_step
from signal_backups.core.base.parallel import map_in_order, read_ahead
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import CSV_COLUMNS, SIGNAL_ID, UNREADABLE_VALUES
from signal_backups.core.signals.timestamps import INSTANT, rows_of_day
from signal_backups.core.source import SignalSource, SourceDescription
from signal_backups.core.source.base import BATCH_ROWS

#: Backup order: by instant, then id; the other columns break ties, so that equal rows give equal bytes.
ORDER = ", ".join(
    f"{name} ASC NULLS LAST" for name in (INSTANT, SIGNAL_ID, *CSV_COLUMNS, UNREADABLE_VALUES, EXTRA_VALUES)
)

#: Key in the metadata of an extract file.
_EXTRAS = "extras"

_log = logging.getLogger(__name__)


class ExtractReport(StageReport):
    """The result of extracting a day."""

    file_name = "ExtractReport.json"

    rows: int
    rows_without_instant: int
    sorted_by_engine: bool
    source: SourceDescription
    snapshot_id: str
    seconds: float


def extract_day(source: SignalSource, folder: DayFolder) -> ExtractReport:
    """Read the folder's day from ``source`` into ``folder.extract``.

    Raises:
        SourceError: the database cannot be read.
    """
    started = time.perf_counter()
    description: SourceDescription = source.describe()
    order = _OrderCheck()
    with source.read_day(folder.day) as snapshot, writing_extract(folder.extract, snapshot.extras) as writer:
        # The drivers release the GIL: the next batch is read while earlier ones are examined.
        batches = read_ahead(snapshot.batches)
        for batch in map_in_order(partial(_examined, folder=folder), batches, duckdb_engine.THREADS):
            order.add(batch)
            writer.write_batch(batch)
    if not order.is_sorted:
        _sort(folder)
    report = ExtractReport(
        rows=order.rows,
        rows_without_instant=order.rows_without_instant,
        sorted_by_engine=not order.is_sorted,
        source=description,
        snapshot_id=snapshot.snapshot_id,
        seconds=time.perf_counter() - started,
    )
    folder.save(report)
    log_step(_log, "extract", folder.day, seconds=report.seconds, size=folder.extract.stat().st_size, rows=report.rows)
    return report


@contextmanager
def reading_extract(path: Path) -> Iterator[pa.RecordBatchReader]:
    """Stream an extract file with one batch in memory at a time."""
    with pa.OSFile(str(path)) as file:
        extract = pa.ipc.open_file(file)
        batches = (extract.get_batch(number) for number in range(extract.num_record_batches))
        yield pa.RecordBatchReader.from_batches(EXAMINED_SCHEMA, batches)


@contextmanager
def writing_extract(path: Path, extras: Sequence[str]) -> Iterator[pa.RecordBatchWriter]:
    """Write an extract file, batch by batch; ``extras`` are the columns whose values ``EXTRA_VALUES`` has."""
    schema = EXAMINED_SCHEMA.with_metadata({_EXTRAS: json.dumps(extras)})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        yield writer


def extras_of_extract(path: Path) -> tuple[str, ...]:
    """The names of the extra columns of an extract file."""
    with pa.OSFile(str(path)) as file:
        return tuple(json.loads(pa.ipc.open_file(file).schema.metadata[_EXTRAS.encode()]))


def _examined(batch: pa.RecordBatch, folder: DayFolder) -> pa.RecordBatch:
    with closing(duckdb_engine.cursor()) as cursor:
        rows = rows_of_day(cursor, batch, folder.day)
        return examine(cursor, without_large_values(rows, folder.large_values))


class _OrderCheck:
    """Counts the rows of passing batches, and checks whether they are already in backup order."""

    def __init__(self) -> None:
        self.rows = 0
        self.rows_without_instant = 0
        self.is_sorted = True
        self._last: pa.RecordBatch | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        without_instant = batch.column(INSTANT).null_count
        self.rows_without_instant += without_instant
        # Rows without an instant are rare and have no natural position: let DuckDB sort them.
        self.is_sorted = self.is_sorted and not without_instant and self._continues(batch)
        self._last = batch.slice(batch.num_rows - 1)

    def _continues(self, batch: pa.RecordBatch) -> bool:
        rows = pa.Table.from_batches([self._last, batch] if self._last is not None else [batch])
        instants, ids = (rows.column(name).combine_chunks() for name in (INSTANT, SIGNAL_ID))
        earlier, later = instants[:-1], instants[1:]
        if not len(later):
            return True
        ascending = pc.greater(later, earlier)
        tie_in_order = pc.and_(pc.equal(later, earlier), pc.greater(ids[1:], ids[:-1]))
        return bool(pc.all(pc.or_kleene(ascending, tie_in_order), skip_nulls=False).as_py())


def _sort(folder: DayFolder) -> None:
    """Sort the extract on disk, in bounded memory."""
    unsorted = folder.extract.rename(folder.extract.with_suffix(".unsorted"))
    with closing(duckdb_engine.cursor()) as cursor, reading_extract(unsorted) as reader:
        cursor.register("unsorted", reader)
        ordered = cursor.sql(f"SELECT * FROM unsorted ORDER BY {ORDER}").to_arrow_reader(BATCH_ROWS)
        with writing_extract(folder.extract, extras_of_extract(unsorted)) as writer:
            for batch in ordered:
                writer.write_batch(batch.cast(EXAMINED_SCHEMA))
    unsorted.unlink()
