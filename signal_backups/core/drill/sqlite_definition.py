"""Reads the definition of an SQLite table as SQLite keeps it."""

from __future__ import annotations

from contextlib import closing

from adbc_driver_manager import dbapi

from signal_backups.core.drill.table_parts import TableDefinition, TablePart

_KINDS_LEFT_OUT = {"view": "the definition of view", "trigger": "trigger"}


def read_sqlite_definition(connection: dbapi.Connection, table: str) -> TableDefinition:
    """Read a table's definition with its indexes; foreign keys are part of it, and no restore checks them.

    Raises:
        dbapi.Error: the database cannot be read.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name = ? COLLATE NOCASE AND sql IS NOT NULL "
            "ORDER BY type <> 'table', rowid",
            (table,),
        )
        found = [(str(kind), str(name), str(sql)) for kind, name, sql in cursor.fetchall()]
    return TableDefinition(
        table=table,
        parts=[TablePart(f"{kind} {name}", sql) for kind, name, sql in found if kind not in _KINDS_LEFT_OUT],
        left_out=[f"{_KINDS_LEFT_OUT[kind]} {name}" for kind, name, _ in found if kind in _KINDS_LEFT_OUT],
    )
