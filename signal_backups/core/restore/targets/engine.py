"""What a restore needs of a database engine: the contract that ``sqlite`` and ``postgres`` fulfil."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pyarrow as pa
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SignalBackupsError, UnfitTargetError
from signal_backups.core.source import SignalSource, SignalTable

#: How long a restore waits for a writer, another restore included, before it gives up.
LOCK_TIMEOUT_MS = 60_000


def unfit_values(location: str, reason: str) -> UnfitTargetError:
    """The error of a target that works, and does not take some value of the day."""
    return UnfitTargetError(
        f"{location} does not take these signals: {reason}",
        remedy="Nothing of this day was kept. Restore it into a new table with --table, or into another engine",
    )


class TargetEngine(ABC):
    """What a restore needs of an engine, for one table.

    Every method raises ``dbapi.Error`` as the driver does; ``explained`` turns it into an error for people.
    """

    #: Name of the table, with its schema where it was given with one.
    table: str
    #: SQL types of created columns.
    text_type: str
    number_type: str

    @property
    @abstractmethod
    def location(self) -> str:
        """The database for people, without credentials."""

    @property
    @abstractmethod
    def source(self) -> SignalSource:
        """The table as a source."""

    @property
    @abstractmethod
    def relation(self) -> str:
        """The table's name in SQL."""

    @abstractmethod
    def for_table(self, table: str) -> TargetEngine:
        """Another table of the same database."""

    @abstractmethod
    def connect(self) -> dbapi.Connection:
        """A connection without autocommit."""

    def exists(self) -> bool:
        """Whether there is a database; connecting to one that is a file would make it."""
        return True

    @abstractmethod
    def begin(self, connection: dbapi.Connection) -> None:
        """Begin a transaction that lets nobody else make or write the table until it ends."""

    @abstractmethod
    def has_table(self, connection: dbapi.Connection) -> bool:
        """Whether the table exists."""

    @abstractmethod
    def opened(self, connection: dbapi.Connection) -> SignalTable:
        """The table as this transaction sees it."""

    @abstractmethod
    def takes_directly(self, table: SignalTable) -> bool:
        """Whether its columns hold texts and doubles as they are."""

    @abstractmethod
    def ingest(self, connection: dbapi.Connection, rows: pa.RecordBatchReader, staged: str | None) -> None:
        """Append rows to the table, or to a new temporary table of that name."""

    @abstractmethod
    def converted(self, table: SignalTable, field: str, staged: str) -> str:
        """SQL: a staged value as its column holds it."""

    @abstractmethod
    def changed_rows(self, connection: dbapi.Connection, statement: str) -> int:
        """Run a statement and say how many rows it changed."""

    @abstractmethod
    def explained(self, error: dbapi.Error) -> SignalBackupsError:
        """The error for people: a ``TargetError``, or an ``UnfitTargetError`` when it is about a value."""
