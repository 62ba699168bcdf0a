"""Reading one day of signals from a database, in one snapshot.

Not here: selecting exactly the rows of the day (``signals.timestamps``), and finding bad rows (``backup``).

- ``base``: the contract, ``SignalSource`` and ``DaySnapshot``. ``sqlite``, ``postgres``: one module per database;
  ``sqlite_extras``: the texts of extra columns in SQLite.
- ``database_url``: ``open_source`` returns the source for a URL. ``adbc``: helpers for both drivers.
"""

from signal_backups.core.source.base import (
    IDENTITY_SCHEMA,
    SOURCE_SCHEMA,
    DaySnapshot,
    SignalSource,
    SignalTable,
    SourceDescription,
)
from signal_backups.core.source.database_url import database_address, open_source

__all__ = [
    "IDENTITY_SCHEMA",
    "SOURCE_SCHEMA",
    "DaySnapshot",
    "SignalSource",
    "SignalTable",
    "SourceDescription",
    "database_address",
    "open_source",
]
