"""Restores into a PostgreSQL table by binary COPY; values for columns other than text and double are cast."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from urllib.parse import urlsplit

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_manager import dbapi
from typing_extensions import override

from signal_backups.core.base.errors import SignalBackupsError, TargetError
from signal_backups.core.restore.targets.engine import LOCK_TIMEOUT_MS, TargetEngine, unfit_values
from signal_backups.core.signals.extra_columns import ExtraChoice, ExtraColumn
from signal_backups.core.signals.fields import NUMBER_COLUMNS
from signal_backups.core.source import SignalTable
from signal_backups.core.source.base import quoted
from signal_backups.core.source.postgres import (
    SESSION_SETTINGS,
    PostgresSource,
    is_transient,
    with_connect_timeout,
)

#: SQLSTATE classes of values that a column or a constraint does not accept.
_VALUE_CLASSES = ("22", "23")
_UNIQUE_VIOLATION = "23505"
_TEXT_TYPES = {"text", "varchar", "bpchar"}


class PostgresTarget(TargetEngine):
    """A table of a PostgreSQL database."""

    text_type = "text"
    number_type = "double precision"
    extra_type = "text"
    overriding = " OVERRIDING SYSTEM VALUE"

    def __init__(self, url: str, table: str) -> None:
        self.url = with_connect_timeout(url)
        self.table = table
        self._source = PostgresSource(url, table)
        parts = urlsplit(url)
        self._database = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"

    @property
    def location(self) -> str:
        """See ``TargetEngine``."""
        return f"table {self.table} of PostgreSQL database {self._database}"

    @property
    def source(self) -> PostgresSource:
        """See ``TargetEngine``."""
        return self._source

    @property
    def relation(self) -> str:
        """See ``TargetEngine``."""
        return ".".join(quoted(part) for part in self.table.split("."))

    def for_table(self, table: str) -> PostgresTarget:
        """See ``TargetEngine``."""
        return PostgresTarget(self.url, table)

    def connect(self) -> dbapi.Connection:
        """See ``TargetEngine``."""
        return adbc.connect(self.url, autocommit=False)

    def begin(self, connection: dbapi.Connection) -> None:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            # A constraint that is checked at the end only would be found too late to name rows, and never in a dry run.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for setting in SESSION_SETTINGS:
                cursor.execute(setting)
            # The table may not exist yet, so an advisory lock keeps restores apart.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", (f"restore {self.table}",))
            cursor.fetchall()
        if self.has_table(connection):
            with closing(connection.cursor()) as cursor:
                cursor.execute(f"LOCK TABLE {self.relation} IN SHARE ROW EXCLUSIVE MODE")

    def has_table(self, connection: dbapi.Connection) -> bool:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT to_regclass($1) IS NOT NULL", (self.relation,))
            ((found,),) = cursor.fetchall()
            return bool(found)

    def reading(self, extras: ExtraChoice) -> PostgresSource:
        """See ``TargetEngine``."""
        return PostgresSource(self.url, self.table, extras)

    def opened(self, connection: dbapi.Connection, extras: ExtraChoice) -> SignalTable:
        """See ``TargetEngine``."""
        return self.reading(extras).in_transaction(connection)

    def accepts_unconverted(self, table: SignalTable) -> bool:
        """See ``TargetEngine``."""
        return all(
            table.types[column] in ({"float8"} if name in NUMBER_COLUMNS else _TEXT_TYPES)
            for name, column in table.columns.columns.items()
        )

    def ingest(self, connection: dbapi.Connection, rows: pa.RecordBatchReader, staged: str | None) -> None:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            if staged is None:
                schema, _, table = self.table.rpartition(".")
                cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema or None)
            else:
                cursor.adbc_ingest(staged, rows, mode="create", temporary=True)

    def conversion_sql(self, table: SignalTable, field: str, staged: str) -> str:
        """See ``TargetEngine``."""
        kind = table.types[table.columns.columns[field]]
        # PostgreSQL rounds a double to 15 digits when it casts it to numeric; its text has all digits.
        value = f"CAST({staged} AS text)" if kind == "numeric" else staged
        return f"CAST({value} AS {kind})"

    def extra_value_sql(self, column: ExtraColumn, staged: str) -> str:
        """See ``TargetEngine``."""
        return f"CAST({staged} AS {column.type})"

    @override
    def comparable_sql(self, value: str) -> str:
        """The text, because some types, such as json, cannot be compared."""
        return f"CAST({value} AS text)"

    @override
    def unchangeable(self, connection: dbapi.Connection) -> Collection[str]:
        """Columns that are always numbered by the database."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attidentity = 'a'",
                (self.relation,),
            )
            return [str(name) for (name,) in cursor.fetchall()]

    def changed_rows(self, connection: dbapi.Connection, statement: str) -> int:
        """See ``TargetEngine``."""
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"WITH changed AS ({statement} RETURNING 1) SELECT count(*) FROM changed")
            ((changed,),) = cursor.fetchall()
            return int(changed)

    def is_repeated(self, error: dbapi.Error) -> bool:
        """See ``TargetEngine``."""
        return (error.sqlstate or "") == _UNIQUE_VIOLATION

    def translate_error(self, error: dbapi.Error) -> SignalBackupsError:
        """See ``TargetEngine``."""
        reason = str(error).splitlines()[0]
        if (error.sqlstate or "").startswith(_VALUE_CLASSES):
            return unfit_values(self.location, reason)
        return TargetError(
            f"cannot restore into {self.location}: {reason}",
            remedy="Only complete days were kept. Check that the server is up, has free space, and that the user of "
            "--target may write; then run the same command again, which continues",
            transient=is_transient(error),
        )
