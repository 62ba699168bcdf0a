"""Reading signals out of a database: one contract (``base``), one module per engine."""

from signal_backups.core.source.base import (
    SOURCE_SCHEMA,
    UNREADABLE_VALUES,
    DaySnapshot,
    SignalSource,
    SourceDescription,
)
from signal_backups.core.source.opening import open_source

__all__ = [
    "SOURCE_SCHEMA",
    "UNREADABLE_VALUES",
    "DaySnapshot",
    "SignalSource",
    "SourceDescription",
    "open_source",
]
