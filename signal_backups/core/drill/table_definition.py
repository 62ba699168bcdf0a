"""A table with the definition of the source's, so that a drill fails where a restore into such a table would.

A part that the scratch database does not take is left out and named, such as a function that is only in the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import adbc_driver_postgresql.dbapi as postgres
import adbc_driver_sqlite.dbapi as sqlite
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SourceError, TargetError
from signal_backups.core.drill.postgres_definition import read_postgres_definition
from signal_backups.core.drill.sqlite_definition import read_sqlite_definition
from signal_backups.core.drill.table_parts import TableDefinition
from signal_backups.core.source import database_address
from signal_backups.core.source.adbc import execute
from signal_backups.core.source.postgres import is_transient, with_connect_timeout


@dataclass(frozen=True)
class CreatedTable:
    """The table of the scratch database: its name, and what of the source's definition it does not have."""

    name: str
    left_out: Sequence[str]


def create_like_source(source_url: str, table: str, scratch_url: str) -> CreatedTable:
    """Create the source's table, empty, in a scratch database.

    Raises:
        SourceError: the source cannot be read.
        TargetError: the scratch database cannot be used.
    """
    source, scratch = database_address(source_url), database_address(scratch_url)
    if isinstance(source, Path) is not isinstance(scratch, Path):
        return CreatedTable(table, ("the whole definition of the table: the scratch database has another engine",))
    definition = _read(source, table)
    with _connected(scratch) as connection:
        refused = [f"{part.name}: {reason}" for part in definition.parts if (reason := _refusal(connection, part.sql))]
    return CreatedTable(definition.table, (*definition.left_out, *refused))


def _read(source: Path | str, table: str) -> TableDefinition:
    try:
        if isinstance(source, Path):
            with closing(sqlite.connect(f"{source.absolute().as_uri()}?mode=ro")) as connection:
                return read_sqlite_definition(connection, table)
        with closing(postgres.connect(with_connect_timeout(source))) as connection:
            return read_postgres_definition(connection, table)
    except dbapi.Error as error:
        raise SourceError(
            f"cannot read the definition of table {table!r}: {str(error).splitlines()[0]}",
            remedy="Check that the database is up and SIGNALS_DATABASE_URL is right",
            transient=is_transient(error),
        ) from error


@contextmanager
def _connected(scratch: Path | str) -> Iterator[dbapi.Connection]:
    try:
        with closing(_connect(scratch)) as connection:
            yield connection
    except dbapi.Error as error:
        raise TargetError(
            f"cannot use the scratch database: {str(error).splitlines()[0]}",
            remedy="Check the server of SIGNAL_BACKUPS_DRILL_DATABASE_URL or, without it, of SIGNALS_DATABASE_URL",
            transient=is_transient(error),
        ) from error


def _connect(scratch: Path | str) -> dbapi.Connection:
    if isinstance(scratch, Path):
        return sqlite.connect(scratch.as_uri(), autocommit=True)
    return postgres.connect(with_connect_timeout(scratch), autocommit=True)


def _refusal(connection: dbapi.Connection, statement: str) -> str | None:
    try:
        execute(connection, statement)
    except dbapi.Error as error:
        return str(error).splitlines()[0]
    return None
