"""Running statements on an ADBC connection, each with its own cursor, which is closed."""

from __future__ import annotations

from contextlib import closing

from adbc_driver_manager import dbapi


def execute(connection: dbapi.Connection, statement: str) -> None:
    """Run a statement that returns no rows.

    Raises:
        dbapi.Error: the database reports an error.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def fetch_all(connection: dbapi.Connection, query: str) -> list[tuple[object, ...]]:
    """Run a query and return its rows; for small results.

    Raises:
        dbapi.Error: the database reports an error.
    """
    with closing(connection.cursor()) as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
