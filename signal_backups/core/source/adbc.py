"""Statements on an ADBC connection, each with a cursor of its own that is closed."""

from __future__ import annotations

from contextlib import closing

from adbc_driver_manager import dbapi


def execute(connection: dbapi.Connection, statement: str) -> None:
    """Run a statement that returns nothing.

    Raises:
        dbapi.Error: the database refuses it.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def fetch_all(connection: dbapi.Connection, query: str) -> list[tuple[object, ...]]:
    """Run a query of few rows.

    Raises:
        dbapi.Error: the database refuses it.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
