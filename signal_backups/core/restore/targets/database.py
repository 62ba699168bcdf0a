"""Imports a day into a database table, in one transaction that loads, reads back, compares and then commits."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import (
    ImportVerificationError,
    SignalConflictError,
    SourceError,
    TargetError,
    UnfitTargetError,
)
from signal_backups.core.restore.targets.contract import DayToImport, Imported, OnConflict
from signal_backups.core.restore.targets.engine import TargetEngine
from signal_backups.core.signals import duckdb_engine
from signal_backups.core.signals.compare_rows import RowComparison, row_comparer
from signal_backups.core.signals.csv_file import count_quarantined, extras_of, read_quarantine_sql, read_sql
from signal_backups.core.signals.difference import NAMED_IDS, Difference
from signal_backups.core.signals.extra_columns import NO_EXTRAS, ExtraChoice, ExtraColumn, value_sql
from signal_backups.core.signals.fields import (
    CSV_COLUMNS,
    FIELDS,
    NUMBER_COLUMNS,
    QUARANTINE_COLUMNS,
    SIGNAL_ID,
    TIMESTAMP,
    VERIFICATION_HASH,
)
from signal_backups.core.signals.timestamps import rows_of_day
from signal_backups.core.source import SignalSource, SignalTable
from signal_backups.core.source.adbc import execute, fetch_all
from signal_backups.core.source.base import BATCH_ROWS, quoted

_STAGED = "signal_backups_staged"
#: Additional column of the quarantine table: the day of the backup that left the row out.
_BACKUP_DAY = "backup_day"


@dataclass(frozen=True)
class _Transaction:
    """An open import.

    ``extras`` are the extra columns of the backup, each with the column of the table.
    """

    connection: dbapi.Connection
    table: SignalTable
    extras: tuple[tuple[str, ExtraColumn], ...]


class DatabaseTarget:
    """A ``RestoreTarget`` that is a table; a missing table is created.

    With ``dry_run`` everything is done as usual, up to the end of each transaction, which is rolled back.
    A table that this target created, or that ``owns_table`` says is nobody else's, gets the extra columns it lacks.
    """

    def __init__(self, target_engine: TargetEngine, *, dry_run: bool = False, owns_table: bool = False) -> None:
        self._engine = target_engine
        self._dry_run = dry_run
        self._owns_table = owns_table

    @property
    def location(self) -> str:
        """See ``RestoreTarget.location``."""
        return self._engine.location

    @property
    def source(self) -> SignalSource:
        """The table as a source of all its columns."""
        return self._engine.reading(ExtraChoice(keeps_all=True))

    def import_day(self, day: DayToImport) -> Imported:
        """See ``RestoreTarget.import_day``."""
        if self._would_make_database():
            return Imported(day.records, 0, 0, 0, 0.0, 0.0)
        try:
            return self._import(day)
        except UnfitTargetError as error:
            if isinstance(error.__cause__, dbapi.Error) and self._engine.is_repeated(error.__cause__):
                self._explain_repeated(day, error.__cause__)
            raise

    def _import(self, day: DayToImport) -> Imported:
        started = time.perf_counter()
        with self._transaction(day) as transaction:
            staged = self._load(transaction, day)
            counts = self._merge(transaction, day) if staged else _Counts(restored=day.records)
            loaded = time.perf_counter()
            found = self._read_back(transaction, day, everything=not staged)
            self._require_equal(day, _without_late(found) if staged else found, tolerated=counts.skipped_different)
            verified = time.perf_counter()
        return Imported(**vars(counts), import_seconds=loaded - started, verify_seconds=verified - loaded)

    def import_quarantine(self, day: date, csv: Path, on_conflict: OnConflict) -> int:
        """See ``RestoreTarget.import_quarantine``; the rows go to a table of their own, with text columns.

        Quarantined rows have no unique id, so ``on_conflict`` does not matter: rows that are not there yet are added.
        """
        del on_conflict
        if self._would_make_database():
            return count_quarantined(csv)
        quarantine = self._engine.for_table(f"{self._engine.table}_quarantine")
        extras = extras_of(csv)
        names = [quoted(name) for name in (_BACKUP_DAY, *QUARANTINE_COLUMNS, *extras)]
        with self._connected() as connection, self._ended(connection):
            quarantine.begin(connection)
            if not quarantine.has_table(connection):
                columns = ", ".join(f"{name} {quarantine.text_type}" for name in names)
                execute(connection, f"CREATE TABLE {quarantine.relation} ({columns})")
            _add_columns(connection, quarantine, extras, quarantine.text_type)
            with _quarantined_rows(csv, day) as rows:
                quarantine.ingest(connection, rows, _STAGED)
            equal = " AND ".join(f"t.{name} IS NOT DISTINCT FROM s.{name}" for name in names)
            absent = f"NOT EXISTS (SELECT 1 FROM {quarantine.relation} AS t WHERE {equal})"
            columns = ", ".join(names)
            insert = (
                f"INSERT INTO {quarantine.relation} ({columns}) SELECT {columns} FROM {_STAGED} AS s WHERE {absent}"
            )
            return quarantine.changed_rows(connection, insert)

    def count_signals(self, day: date) -> int | None:
        """See ``RestoreTarget.count_signals``."""
        if not self._engine.exists():
            return None
        with self._connected() as connection:
            if not self._engine.has_table(connection):
                return None
        with self._engine.source.read_day(day) as snapshot, closing(duckdb_engine.cursor()) as cursor:
            return sum(int(rows_of_day(cursor, batch, day).num_rows) for batch in snapshot.batches)

    def _load(self, transaction: _Transaction, day: DayToImport) -> bool:
        """Load the day into the table if it is empty, else into a staging table; returns whether it is staged."""
        staged = (
            bool(transaction.extras)
            or self._has_rows(transaction)
            or not self._engine.accepts_unconverted(transaction.table)
        )
        names = {name: name for name in CSV_COLUMNS} if staged else transaction.table.columns.columns
        with _typed_rows(day.csv, names, [name for name, _ in transaction.extras]) as rows:
            self._engine.ingest(transaction.connection, rows, _STAGED if staged else None)
        return staged

    def _has_rows(self, transaction: _Transaction) -> bool:
        return bool(fetch_all(transaction.connection, f"SELECT 1 FROM {self._engine.relation} LIMIT 1"))

    def _merge(self, transaction: _Transaction, day: DayToImport) -> _Counts:
        """Merge the staged rows into the table."""
        sql = _MergeSql(self._engine, transaction, day.day)
        existing = _count(transaction.connection, sql.existing)
        different = _count(transaction.connection, sql.different) if existing else 0
        self._require_no_conflict(transaction, day, sql, existing, different)
        replaced = 0
        if different and day.on_conflict is OnConflict.REPLACE:
            replaced = self._engine.changed_rows(transaction.connection, sql.update)
        restored = self._engine.changed_rows(transaction.connection, sql.insert)
        skipped_different = 0 if day.on_conflict is OnConflict.REPLACE else different
        return _Counts(restored, replaced, existing - replaced, skipped_different)

    def _require_no_conflict(
        self, transaction: _Transaction, day: DayToImport, sql: _MergeSql, existing: int, different: int
    ) -> None:
        is_complete = day.may_exist and existing == day.records and not different
        if day.on_conflict is not OnConflict.ERROR or not existing or is_complete:
            return
        named = fetch_all(
            transaction.connection,
            f"SELECT s.{SIGNAL_ID} FROM {sql.existing} ORDER BY s.{SIGNAL_ID} LIMIT {NAMED_IDS}",
        )
        raise SignalConflictError(
            f"{existing} of {day.records} signals of {day.day} are already in {self.location} "
            f"({different} of them different): {', '.join(str(signal_id) for (signal_id,) in named)}",
            remedy="Nothing of this day was changed. Keep them with --on-conflict skip, or replace them with those of "
            "the backup with --on-conflict replace",
        )

    def _explain_repeated(self, day: DayToImport, error: dbapi.Error) -> None:
        """Name the ids that the table has for other days, when its unique constraint refused some of the day's ids.

        Reads in a transaction of its own, because PostgreSQL's driver allows nothing in one that has failed.
        """
        with self._connected() as connection:
            self._engine.begin(connection)
            if not self._engine.has_table(connection):
                return
            table = self._engine.opened(connection, NO_EXTRAS)
            with _typed_rows(day.csv, {SIGNAL_ID: SIGNAL_ID}) as rows:
                self._engine.ingest(connection, rows, _STAGED)
            elsewhere = _MergeSql(self._engine, _Transaction(connection, table, ()), day.day).elsewhere
            count = _count(connection, elsewhere)
            named = fetch_all(connection, f"SELECT * FROM {elsewhere} ORDER BY 1, 2 LIMIT {NAMED_IDS}")
            connection.rollback()
        if count:
            raise SignalConflictError(
                f"{count} of {day.records} signals of {day.day} have an id that {self.location} has for another day: "
                f"{', '.join(f'{signal_id} ({other})' for signal_id, other in named)}. Its unique constraint does not "
                f"take both: {str(error).splitlines()[0]}",
                remedy="Nothing of this day was changed. An id is unique within its day only: restore into a new table "
                "with --table, or make the constraint one on the id and the timestamp together",
            ) from error

    def _read_back(self, transaction: _Transaction, day: DayToImport, *, everything: bool) -> RowComparison:
        """Compare the backup with its signals in the table, or with the whole table (``everything``)."""
        stored_id = f"t.{quoted(transaction.table.columns.columns[SIGNAL_ID])}"
        of_day = transaction.table.filters.exactly_of_day(day.day)
        condition = "1 = 1" if everything else f"{stored_id} IN (SELECT {SIGNAL_ID} FROM {_STAGED}) AND {of_day}"
        names = [name for name, _ in transaction.extras]
        with row_comparer(names) as comparer, closing(transaction.table.rows(condition)) as held:
            comparer.add_backup(day.csv)
            try:
                comparer.add_database_rows(held, names)
            except dbapi.Error as error:
                raise TargetError(
                    f"cannot read {self.location} back: {str(error).splitlines()[0]}",
                    remedy="Nothing of this day was kept. Check that the server is up and the table readable",
                    transient=True,
                ) from error
            return comparer.compare()

    def _require_equal(self, day: DayToImport, found: RowComparison, tolerated: int) -> None:
        if found.mutated.count + found.deleted.count <= tolerated and not found.late.count:
            return
        named = [*found.mutated.signal_ids, *found.deleted.signal_ids, *found.late.signal_ids][:NAMED_IDS]
        raise ImportVerificationError(
            f"{self.location} does not have {day.day} as it was backed up: {found.mutated.count} signals changed, "
            f"{found.deleted.count} missing, {found.late.count} too many: {', '.join(map(str, named))}",
            remedy="Nothing of this day was kept. The table's column types or triggers change the values: "
            "restore into a new table with --table",
        )

    @contextmanager
    def _transaction(self, day: DayToImport) -> Iterator[_Transaction]:
        names = extras_of(day.csv)
        with self._connected() as connection, self._ended(connection):
            self._engine.begin(connection)
            creates = not self._engine.has_table(connection)
            if creates:
                self._create_table(connection, day.hash_column, names)
            elif self._owns_table:
                _add_columns(connection, self._engine, names, self._engine.extra_type)
            table = self._engine.opened(connection, ExtraChoice(names=names))
            yield _Transaction(connection, table, self._extras(day, names, table))
        self._owns_table |= creates and not self._dry_run

    def _extras(
        self, day: DayToImport, names: Sequence[str], table: SignalTable
    ) -> tuple[tuple[str, ExtraColumn], ...]:
        """The extra columns of a backup with those of the table, in its order.

        Raises:
            UnfitTargetError: the table lacks one.
        """
        by_name = {name.lower(): name for name in names}
        found = tuple((by_name[column.name.lower()], column) for column in table.columns.extras)
        if missing := [name for name in names if name not in {name for name, _ in found}]:
            raise UnfitTargetError(
                f"{self.location} has no column {', '.join(missing)}, which the backup of {day.day} keeps",
                remedy="Nothing of this day was kept. Add the columns, with the types that the manifest names, or "
                "restore into a new table with --table",
            )
        return found

    @contextmanager
    def _ended(self, connection: dbapi.Connection) -> Iterator[None]:
        """Commit at the end of the block, or roll back on any error and in a dry run."""
        try:
            yield
            (connection.rollback if self._dry_run else connection.commit)()
        except BaseException:
            # A broken connection cannot roll back; raise the original error instead.
            with suppress(dbapi.Error):
                connection.rollback()
            raise

    def _would_make_database(self) -> bool:
        """Whether this is a dry run, and connecting would already create the database."""
        return self._dry_run and not self._engine.exists()

    def _create_table(self, connection: dbapi.Connection, hash_column: str, extras: Sequence[str]) -> None:
        columns = ", ".join(
            [_column(self._engine, name, hash_column) for name in CSV_COLUMNS]
            + [f"{quoted(name)} {self._engine.extra_type}" for name in extras]
        )
        # An id is unique within its day. This index finds an id of a day, and keeps a signal from being there twice.
        unique = f"UNIQUE ({SIGNAL_ID}, {TIMESTAMP})"
        execute(connection, f"CREATE TABLE {self._engine.relation} ({columns}, {unique})")
        # Backups of this table read single days with this index.
        index = quoted(f"{self._engine.table.rpartition('.')[2]}_{TIMESTAMP}")
        execute(connection, f"CREATE INDEX IF NOT EXISTS {index} ON {self._engine.relation} ({TIMESTAMP})")

    @contextmanager
    def _connected(self) -> Iterator[dbapi.Connection]:
        try:
            with closing(self._engine.connect()) as connection:
                yield connection
        except dbapi.Error as error:
            raise self._engine.translate_error(error) from error
        except SourceError as error:
            raise TargetError(f"cannot restore into {self.location}: {error.what}", remedy=error.remedy) from error


def _without_late(found: RowComparison) -> RowComparison:
    """Ignore additional rows: a table without a unique constraint may have an id twice on the same day."""
    return found.model_copy(update={"late": Difference()})


@dataclass(frozen=True)
class _Counts:
    restored: int = 0
    replaced: int = 0
    skipped: int = 0
    skipped_different: int = 0


class _MergeSql:
    """The SQL that merges the staged rows of a day (``s``) into the table (``t``): a signal is its id and its day."""

    def __init__(self, target_engine: TargetEngine, transaction: _Transaction, day: date) -> None:
        table, extras = transaction.table, transaction.extras
        columns = {name: quoted(column) for name, column in table.columns.columns.items()}
        values = {name: target_engine.conversion_sql(table, name, f"s.{name}") for name in columns}
        stored, given = {name: f"t.{column}" for name, column in columns.items()}, dict(values)
        for number, (_, column) in enumerate(extras):
            name = f"extra_{number}"
            columns[name] = quoted(column.name)
            values[name] = target_engine.extra_value_sql(column, f"s.{name}")
            stored[name] = target_engine.comparable_sql(f"t.{columns[name]}")
            given[name] = target_engine.comparable_sql(values[name])
        relation = target_engine.relation
        same_id = f"t.{columns[SIGNAL_ID]} = s.{SIGNAL_ID}"
        differs = " OR ".join(f"{stored[name]} IS DISTINCT FROM {value}" for name, value in given.items())
        unchangeable = (
            {quoted(name) for name in target_engine.unchangeable(transaction.connection)} if extras else set()
        )
        assignments = ", ".join(
            f"{columns[name]} = {value}" for name, value in values.items() if columns[name] not in unchangeable
        )
        same_signal = f"{same_id} AND {table.filters.exactly_of_day(day)}"
        matches = f"SELECT 1 FROM {relation} AS t WHERE {same_signal}"
        self.existing = f"{_STAGED} AS s WHERE EXISTS ({matches})"
        self.different = f"{_STAGED} AS s WHERE EXISTS ({matches} AND ({differs}))"
        other_day = table.filters.utc_day
        self.elsewhere = (
            f"(SELECT DISTINCT s.{SIGNAL_ID}, {other_day} FROM {_STAGED} AS s JOIN {relation} AS t ON {same_id} "
            f"WHERE {other_day} IS DISTINCT FROM '{day}') AS elsewhere"
        )
        self.update = (
            f"UPDATE {relation} AS t SET {assignments} FROM {_STAGED} AS s WHERE {same_signal} AND ({differs})"
        )
        self.insert = (
            f"INSERT INTO {relation} ({', '.join(columns.values())}){target_engine.overriding if extras else ''} "
            f"SELECT {', '.join(values.values())} FROM {_STAGED} AS s WHERE NOT EXISTS ({matches})"
        )


def _column(target_engine: TargetEngine, name: str, hash_column: str) -> str:
    (required,) = (field.required for field in FIELDS if field.name == name)
    column = quoted(hash_column if name == VERIFICATION_HASH else name)
    kind = target_engine.number_type if name in NUMBER_COLUMNS else target_engine.text_type
    return f"{column} {kind}{' NOT NULL' if required else ''}"


def _add_columns(connection: dbapi.Connection, target_engine: TargetEngine, names: Sequence[str], kind: str) -> None:
    """Add the columns that a table does not have yet, ignoring case."""
    if not names:
        return
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT * FROM {target_engine.relation} LIMIT 0")
        cursor.fetchall()
        present = {str(column[0]).lower() for column in cursor.description}
    for name in names:
        if name.lower() not in present:
            execute(connection, f"ALTER TABLE {target_engine.relation} ADD COLUMN {quoted(name)} {kind}")


@contextmanager
def _typed_rows(csv: Path, names: Mapping[str, str], extras: Sequence[str] = ()) -> Iterator[pa.RecordBatchReader]:
    """Stream a backup CSV with numbers as doubles, its columns renamed by ``names``, and the extra ones numbered."""
    columns = ", ".join(
        f"CAST({name} AS {'DOUBLE' if name in NUMBER_COLUMNS else 'VARCHAR'}) AS {quoted(column)}"
        for name, column in names.items()
    )
    present = extras_of(csv)
    columns += "".join(f", {value_sql(name, present)} AS extra_{number}" for number, name in enumerate(extras))
    with closing(duckdb_engine.cursor()) as cursor:
        yield cursor.sql(f"SELECT {columns} FROM {read_sql(csv)}").to_arrow_reader(BATCH_ROWS)


@contextmanager
def _quarantined_rows(csv: Path, day: date) -> Iterator[pa.RecordBatchReader]:
    columns = ", ".join(quoted(name) for name in (*QUARANTINE_COLUMNS, *extras_of(csv)))
    with closing(duckdb_engine.cursor()) as cursor:
        query = f"SELECT '{day}' AS {_BACKUP_DAY}, {columns} FROM {read_quarantine_sql(csv)}"
        yield cursor.sql(query).to_arrow_reader(BATCH_ROWS)


def _count(connection: dbapi.Connection, rows: str) -> int:
    ((count,),) = fetch_all(connection, f"SELECT count(*) FROM {rows}")
    return int(str(count))
