"""Reading one day of signals out of a database, in one snapshot.

Not here: cutting the day exactly and what is wrong with a row (``backup``). A source never holds a row back.

- ``base``: the contract, ``SignalSource`` and ``DaySnapshot``. ``sqlite``, ``postgres``: one module a database.
- ``open_source`` (``opening``): the source that a URL names. ``adbc``: what both drivers share.
"""

from signal_backups.core.source.base import (
    IDENTITY_SCHEMA,
    SOURCE_SCHEMA,
    DaySnapshot,
    OpenSource,
    SignalSource,
    SourceDescription,
)
from signal_backups.core.source.opening import database_address, open_source

__all__ = [
    "IDENTITY_SCHEMA",
    "SOURCE_SCHEMA",
    "DaySnapshot",
    "OpenSource",
    "SignalSource",
    "SourceDescription",
    "database_address",
    "open_source",
]
