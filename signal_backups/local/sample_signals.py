"""A plausible signals database to try things on: the same for each day, extended to yesterday on demand."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from signal_backups.core.base.days import days_between, start_of
from signal_backups.core.base.local_files import written_locally
from signal_backups.core.signals.row_hash import canonical_json

#: History made before the last day, so that counts have weekdays to be compared with.
HISTORY_DAYS = 60
SIGNALS_PER_DAY = 300
WEEKEND_SHARE = 0.6

_CREATE = """
CREATE TABLE IF NOT EXISTS signals (
    signal_id TEXT UNIQUE NOT NULL,
    symbol TEXT NOT NULL,
    action TEXT NOT NULL,
    entry_price REAL NOT NULL,
    target_price REAL NOT NULL,
    stop_price REAL NOT NULL,
    confidence REAL NOT NULL,
    strategy TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    generation_latency_ms REAL,
    server_timestamp TEXT
);
CREATE INDEX IF NOT EXISTS signals_timestamp ON signals (timestamp);
"""
_INSERT = """
INSERT INTO signals (signal_id, symbol, action, entry_price, target_price, stop_price, confidence, strategy, timestamp,
    sha256, generation_latency_ms, server_timestamp)
VALUES (:signal_id, :symbol, :action, :entry_price, :target_price, :stop_price, :confidence, :strategy, :timestamp,
    :sha256, :generation_latency_ms, :server_timestamp)
"""
#: Rows that somebody added may be undated: SQLite's ``date`` tells real days from other text.
_NEWEST_DAY = """
SELECT max(day) FROM (SELECT substr(timestamp, 1, 10) AS day FROM signals) WHERE date(day) = day AND day <= :last
"""


@dataclass(frozen=True)
class _Instrument:
    symbol: str
    price: float
    digits: int


_INSTRUMENTS = (
    _Instrument("BTC-USD", 67_250.0, 2),
    _Instrument("ETH-USD", 3_480.0, 2),
    _Instrument("GOOG", 171.5, 2),
    _Instrument("EUR/USD", 1.0862, 5),
    _Instrument("SHIB-USD", 1.78e-05, 9),
)
_STRATEGIES = ("weighted_consensus", "momentum", "mean_reversion")


def extend_sample_database(path: Path, last: date) -> int:
    """Make the database, or add the days it lacks up to ``last``; returns how many signals were added.

    Raises:
        LocalStorageError: its folder cannot be made.
    """
    with written_locally(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_CREATE)
        (newest,) = connection.execute(_NEWEST_DAY, {"last": last.isoformat()}).fetchone()
        first = date.fromisoformat(newest) + timedelta(days=1) if newest else last - timedelta(days=HISTORY_DAYS - 1)
        signals = [signal for day in days_between(first, last) for signal in sample_signals(day)]
        with connection:
            connection.executemany(_INSERT, signals)
        return len(signals)


def sample_signals(day: date) -> Iterator[dict[str, object]]:
    """The signals of a day: the same for the same day, hashed as producers hash them."""
    chance = random.Random(day.toordinal())
    share = WEEKEND_SHARE if day.isoweekday() > 5 else 1.0
    count = round(SIGNALS_PER_DAY * share * chance.uniform(0.9, 1.1))
    for second in sorted(chance.uniform(0, 86_400) for _ in range(count)):
        yield _signal(chance, day, timedelta(seconds=second))


def _signal(chance: random.Random, day: date, since_midnight: timedelta) -> dict[str, object]:
    instrument = chance.choice(_INSTRUMENTS)
    is_buy = chance.random() < 0.5
    entry = instrument.price * chance.uniform(0.9, 1.1)
    target, stop = (entry * 1.04, entry * 0.98) if is_buy else (entry * 0.96, entry * 1.02)
    moment = start_of(day) + since_midnight
    signal: dict[str, object] = {
        "signal_id": f"{chance.getrandbits(64):016x}",
        "symbol": instrument.symbol,
        "action": "BUY" if is_buy else "SELL",
        "entry_price": round(entry, instrument.digits),
        "target_price": round(target, instrument.digits),
        "stop_price": round(stop, instrument.digits),
        "confidence": round(chance.uniform(55, 99), 2),
        "strategy": chance.choice(_STRATEGIES),
        "timestamp": moment.isoformat(),
    }
    latency = round(chance.lognormvariate(4, 0.5), 3)
    return {
        **signal,
        "sha256": sha256(canonical_json(signal).encode("ascii")).hexdigest(),
        "generation_latency_ms": latency,
        "server_timestamp": (moment + timedelta(milliseconds=latency)).isoformat(),
    }
