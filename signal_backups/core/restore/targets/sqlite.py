"""Restores into an SQLite file, which is created if it does not exist."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import dbapi
from typing_extensions import override

from signal_backups.core.base.errors import SignalBackupsError, TargetError
from signal_backups.core.restore.targets.engine import LOCK_TIMEOUT_MS, TargetEngine, unfit_values
from signal_backups.core.signals.extra_columns import ExtraChoice, ExtraColumn
from signal_backups.core.signals.fields import NUMBER_COLUMNS
from signal_backups.core.source import SignalTable
from signal_backups.core.source.base import quoted
from signal_backups.core.source.sqlite import SqliteSource
from signal_backups.core.source.sqlite_extras import extra_value

#: Ids arrive in random order, so SQLite's default cache of a few megabytes is too small for the pages of their index.
_CACHE_KIB = 64 * 1024


class SqliteTarget(TargetEngine):
    """A table of an SQLite database."""

    text_type = "TEXT"
    number_type = "REAL"
    extra_type = ""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path.absolute()
        self.table = table
        self._source = SqliteSource(path, table)

    @property
    def location(self) -> str:
        """See ``TargetEngine``."""
        return f"table {self.table} of {self.path}"

    @property
    def source(self) -> SqliteSource:
        """See ``TargetEngine``."""
        return self._source

    @property
    def relation(self) -> str:
        """See ``TargetEngine``."""
        return quoted(self.table)

    def for_table(self, table: str) -> SqliteTarget:
        """See ``TargetEngine``."""
        return SqliteTarget(self.path, table)

    def connect(self) -> dbapi.Connection:
        """See ``TargetEngine``."""
        self._require_folder()
        return adbc.connect(self.path.as_uri(), autocommit=False)

    @override
    def exists(self) -> bool:
        """See ``TargetEngine``."""
        self._require_folder()
        return self.path.exists()

    def begin(self, connection: dbapi.Connection) -> None:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_MS}")
            cursor.fetchall()
            cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            # The driver's own BEGIN takes no lock, and SQLite does not wait when a reader wants to write while another
            # connection writes. So take the write lock first.
            cursor.execute("ROLLBACK")
            try:
                cursor.execute("BEGIN IMMEDIATE")
            except dbapi.Error:
                cursor.execute("BEGIN")  # the driver expects an open transaction
                raise

    def has_table(self, connection: dbapi.Connection) -> bool:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT 1 FROM pragma_table_info(?)", (self.table,))
            return bool(cursor.fetchall())

    def reading(self, extras: ExtraChoice) -> SqliteSource:
        """See ``TargetEngine``."""
        return SqliteSource(self.path, self.table, extras)

    def opened(self, connection: dbapi.Connection, extras: ExtraChoice) -> SignalTable:
        """See ``TargetEngine``."""
        return self.reading(extras).in_transaction(connection)

    @override
    def accepts_unconverted(self, table: SignalTable) -> bool:
        """SQLite's columns accept any value; reading back finds values that a type affinity changed."""
        return True

    def ingest(self, connection: dbapi.Connection, rows: pa.RecordBatchReader, staged: str | None) -> None:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            if staged is None:
                cursor.adbc_ingest(self.table, rows, mode="append")
            else:
                cursor.adbc_ingest(staged, rows, mode="create", temporary=True)

    @override
    def conversion_sql(self, table: SignalTable, field: str, staged: str) -> str:
        """See ``TargetEngine``."""
        return f"CAST({staged} AS {'REAL' if field in NUMBER_COLUMNS else 'TEXT'})"

    @override
    def extra_value_sql(self, column: ExtraColumn, staged: str) -> str:
        """See ``TargetEngine``."""
        return extra_value(staged)

    def changed_rows(self, connection: dbapi.Connection, statement: str) -> int:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(statement)
            cursor.execute("SELECT changes()")
            ((changed,),) = cursor.fetchall()
            return int(changed)

    def is_repeated(self, error: dbapi.Error) -> bool:
        """See ``TargetEngine``."""
        return "UNIQUE constraint failed" in str(error)

    def translate_error(self, error: dbapi.Error) -> SignalBackupsError:
        """See ``TargetEngine``."""
        reason = str(error).splitlines()[0]
        if "constraint failed" in reason:
            return unfit_values(self.location, reason)
        locked = "locked" in reason or "busy" in reason
        remedy = "Check that the file is a writable SQLite database and that the disk has free space"
        if locked:
            remedy = "Another program has locked it: run again when it is done"
        return TargetError(
            f"cannot restore into {self.location}: {reason}",
            remedy=f"Nothing of this day was kept. {remedy}",
            transient=locked,
        )

    def _require_folder(self) -> None:
        if not self.path.parent.is_dir():
            raise TargetError(f"no folder {self.path.parent}", remedy="Create it, or check --target")
