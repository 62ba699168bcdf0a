"""Parsing the URL of a database, and opening the source for it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.signals.extra_columns import NO_EXTRAS, ExtraChoice
from signal_backups.core.source.base import SignalSource
from signal_backups.core.source.postgres import PostgresSource
from signal_backups.core.source.sqlite import SqliteSource

_FORMS = "Use sqlite:////absolute/path.db or postgresql://user:password@host:5432/database"


def open_source(url: str, table: str, extras: ExtraChoice = NO_EXTRAS) -> SignalSource:
    """Return the source for a URL, without connecting.

    Args:
        url: of the database.
        table: its table.
        extras: which of the table's columns that are no field are read too.

    Raises:
        SettingsError: the URL is malformed or of an unknown database.
    """
    address = database_address(url)
    return SqliteSource(address, table, extras) if isinstance(address, Path) else PostgresSource(address, table, extras)


def database_address(url: str, name: str = "SIGNALS_DATABASE_URL") -> Path | str:
    """Parse a URL: the file of an SQLite database, or a PostgreSQL URL as libpq reads it.

    Args:
        url: the URL.
        name: the setting or option that it came from, for messages.

    Raises:
        SettingsError: the URL is malformed or of an unknown database.
    """
    scheme = url.partition("://")[0].split("+")[0] if "://" in url else ""
    if scheme == "sqlite":
        return _sqlite_path(url)
    if scheme in ("postgresql", "postgres"):
        return _postgres_url(url, name)
    raise SettingsError(f"{name} begins with {scheme or 'nothing'!r}", remedy=_FORMS)


def _sqlite_path(url: str) -> Path:
    """``sqlite:////a/b.db`` is absolute, ``sqlite:///b.db`` is relative, as in SQLAlchemy."""
    parts = urlsplit(url)
    if parts.netloc or len(parts.path) < 2:
        raise SettingsError(f"{url!r} names no SQLite file", remedy=_FORMS)
    return Path(unquote(parts.path[1:]))


def _postgres_url(url: str, name: str) -> str:
    """Check the form of the URL; no part of it is shown, because any part may belong to a password."""
    standard = "postgresql://" + url.partition("://")[2]
    try:
        parts = urlsplit(standard)
        well_formed = "@" not in parts.path + parts.fragment and (parts.port is None or parts.port > 0)
    except ValueError:
        well_formed = False
    if not well_formed:
        raise SettingsError(
            f"{name} is not a PostgreSQL URL",
            remedy=f"{_FORMS}; write / # ? @ : in a password as %2F %23 %3F %40 %3A",
        )
    return standard
