"""Choosing the engine for a database URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from signal_backups.core.errors import SettingsError
from signal_backups.core.source.base import SignalSource
from signal_backups.core.source.postgres import PostgresSource
from signal_backups.core.source.sqlite import SqliteSource

_FORMS = "Use sqlite:////absolute/path.db or postgresql://user:password@host:5432/database"


def open_source(url: str, table: str) -> SignalSource:
    """The source for a URL; connects to nothing yet.

    Raises:
        SettingsError: the URL is of no known form.
    """
    scheme = urlsplit(url).scheme.split("+")[0]
    if scheme == "sqlite":
        return SqliteSource(_sqlite_path(url), table)
    if scheme in ("postgresql", "postgres"):
        return PostgresSource("postgresql://" + url.split("://", 1)[1], table)
    raise SettingsError(f"SIGNALS_DATABASE_URL begins with {scheme or 'nothing'!r}", remedy=_FORMS)


def _sqlite_path(url: str) -> Path:
    """``sqlite:////a/b.db`` is absolute, ``sqlite:///b.db`` relative, as SQLAlchemy has it."""
    parts = urlsplit(url)
    if parts.netloc or len(parts.path) < 2:
        raise SettingsError(f"{url!r} names no SQLite file", remedy=_FORMS)
    return Path(unquote(parts.path[1:]))
