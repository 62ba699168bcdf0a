"""Signals that a producer could have written, in an SQLite table."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

#: A Monday. Tests name days relative to it.
FIRST_DAY = date(2024, 1, 1)
SIGNALS_A_DAY = 3

_COLUMNS = (
    "signal_id TEXT, symbol TEXT, action TEXT, entry_price REAL, target_price REAL, stop_price REAL, confidence REAL, "
    "strategy TEXT, timestamp TEXT, sha256 TEXT"
)


def day_number(number: int) -> date:
    """Day 0 is the first."""
    return FIRST_DAY + timedelta(days=number)


def signal(day: date, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A good signal, its hash taken after the changes."""
    fields: dict[str, Any] = {
        "signal_id": f"{day:%Y%m%d}-{number:04}",
        "symbol": "BTC-USD",
        "action": "BUY",
        "entry_price": 100.5 + number,
        "target_price": 110.25,
        "stop_price": 95.125,
        "confidence": 87.5,
        "strategy": "momentum",
        "timestamp": f"{day.isoformat()}T{number // 60 % 24:02}:{number % 60:02}:00+00:00",
        **changes,
    }
    text = json.dumps(fields, sort_keys=True)
    return {**fields, "sha256": hashlib.sha256(text.encode("ascii")).hexdigest()}


def forged_signal(day: date, number: int = 0) -> dict[str, Any]:
    """A signal whose price was changed after it was hashed."""
    return {**signal(day, number), "entry_price": 1.0}


class SignalsTable:
    """The producer's side of the database."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._execute(f"CREATE TABLE IF NOT EXISTS signals ({_COLUMNS})", [()])
        self._execute("CREATE INDEX IF NOT EXISTS signals_timestamp ON signals (timestamp)", [()])

    @property
    def url(self) -> str:
        """As SIGNALS_DATABASE_URL has it."""
        return f"sqlite:///{self._path}"

    def add(self, *rows: dict[str, Any]) -> None:
        """Append rows."""
        self._execute(f"INSERT INTO signals VALUES ({', '.join('?' * 10)})", [tuple(row.values()) for row in rows])

    def add_days(self, first: date, last: date, signals_a_day: int = SIGNALS_A_DAY) -> None:
        """Append good signals to every day of a range."""
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        self.add(*(signal(day, number) for day in days for number in range(signals_a_day)))

    def remove_day(self, day: date) -> None:
        """Delete the rows of a day."""
        self._execute("DELETE FROM signals WHERE timestamp LIKE ?", [(f"{day}%",)])

    def _execute(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.executemany(statement, rows)
