"""Reading signals out of a database: one contract (``base``), one module per engine."""

from signal_backups.core.signals.fields import UNREADABLE_VALUES
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
    "UNREADABLE_VALUES",
    "DaySnapshot",
    "OpenSource",
    "SignalSource",
    "SourceDescription",
    "database_address",
    "open_source",
]
