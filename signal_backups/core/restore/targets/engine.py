"""What a restore needs from a database engine; implemented by ``sqlite`` and ``postgres``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection

import pyarrow as pa
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SignalBackupsError, UnfitTargetError
from signal_backups.core.signals.extra_columns import ExtraChoice, ExtraColumn
from signal_backups.core.source import SignalSource, SignalTable

#: How long a restore waits for another writer, such as another restore, before it fails.
LOCK_TIMEOUT_MS = 60_000


def unfit_values(location: str, reason: str) -> UnfitTargetError:
    """Return the error for a target that does not accept some value of the day."""
    return UnfitTargetError(
        f"{location} does not accept these signals: {reason}",
        remedy="Nothing of this day was kept. Restore into a new table with --table, or give columns that backups do "
        "not have a default",
    )


class TargetEngine(ABC):
    """The operations of a database engine on one table.

    Every method lets ``dbapi.Error`` of the driver pass; ``translate_error`` turns it into an error for people.
    """

    #: Name of the table, with its schema if one was given.
    table: str
    #: SQL types of created columns.
    text_type: str
    number_type: str
    #: SQL type of created extra columns; one that changes no value.
    extra_type: str
    #: What an INSERT says so that the database takes a value for a column that it would number itself.
    overriding: str = ""

    @property
    @abstractmethod
    def location(self) -> str:
        """The table as shown to people, without credentials."""

    @property
    @abstractmethod
    def source(self) -> SignalSource:
        """The table as a source."""

    @property
    @abstractmethod
    def relation(self) -> str:
        """The table's quoted name in SQL."""

    @abstractmethod
    def for_table(self, table: str) -> TargetEngine:
        """Return the engine for another table of the same database."""

    @abstractmethod
    def connect(self) -> dbapi.Connection:
        """Return a new connection without autocommit."""

    def exists(self) -> bool:
        """Return whether the database exists; connecting to a missing SQLite file would create it."""
        return True

    @abstractmethod
    def begin(self, connection: dbapi.Connection) -> None:
        """Begin a transaction that keeps others from creating or writing the table until it ends."""

    @abstractmethod
    def has_table(self, connection: dbapi.Connection) -> bool:
        """Return whether the table exists."""

    @abstractmethod
    def reading(self, extras: ExtraChoice) -> SignalSource:
        """Return the table as a source that also reads extra columns."""

    @abstractmethod
    def opened(self, connection: dbapi.Connection, extras: ExtraChoice) -> SignalTable:
        """Return the table as this transaction sees it, with extra columns."""

    @abstractmethod
    def accepts_unconverted(self, table: SignalTable) -> bool:
        """Return whether the table's columns accept texts and doubles without a cast."""

    @abstractmethod
    def ingest(self, connection: dbapi.Connection, rows: pa.RecordBatchReader, staged: str | None) -> None:
        """Append rows to the table, or to a new temporary table named ``staged``."""

    @abstractmethod
    def conversion_sql(self, table: SignalTable, field: str, staged: str) -> str:
        """Return the SQL expression that casts a staged value to the type of its column."""

    @abstractmethod
    def extra_value_sql(self, column: ExtraColumn, staged: str) -> str:
        """Return the SQL expression that makes the value of an extra column from its staged text."""

    def comparable_sql(self, value: str) -> str:
        """Return the SQL expression by which values of any type can be compared."""
        return value

    def unchangeable(self, connection: dbapi.Connection) -> Collection[str]:
        """Return the columns that take a value in an INSERT and none in an UPDATE."""
        del connection
        return ()

    @abstractmethod
    def changed_rows(self, connection: dbapi.Connection, statement: str) -> int:
        """Run a statement and return how many rows it changed."""

    @abstractmethod
    def is_repeated(self, error: dbapi.Error) -> bool:
        """Return whether a unique constraint refused a row."""

    @abstractmethod
    def translate_error(self, error: dbapi.Error) -> SignalBackupsError:
        """Return the error for people: ``UnfitTargetError`` if it is about a value, else ``TargetError``."""
