"""SQLite databases of plausible signals, random but seeded, with the hashes their producer would have stored.

The hash is computed here with ``json`` and ``hashlib`` alone, so that the code under measurement is not its own judge.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

DAY = date(2026, 11, 20)
#: Name of every table of signals here.
TABLE = "signals"
SEED = 20261120

_HASHED = (
    "signal_id", "symbol", "action", "entry_price", "target_price", "stop_price", "confidence", "strategy", "timestamp",
)  # fmt: skip
_NUMBERS = ("entry_price", "target_price", "stop_price", "confidence")
_COLUMNS = ", ".join(f"{name} {'REAL' if name in _NUMBERS else 'TEXT'} NOT NULL" for name in _HASHED)
#: Symbol -> lowest price, highest price, decimals.
_SYMBOLS = {
    "BTC-USD": (20_000.0, 98_000.0, 2),
    "EUR/USD": (1.05, 1.25, 5),
    "GOOG": (170.0, 790.0, 2),
    "SHIB-USD": (5e-09, 9.9e-05, 12),
}
_OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in (-660, -300, 0, 60, 330, 840)]

Signal = dict[str, str | float]
#: What a kind of table does to a plausible signal; returns the stored row and its stored hash.
Twist = Callable[[random.Random, Signal], tuple[Signal, str]]


def plain(_chance: random.Random, signal: Signal) -> tuple[Signal, str]:
    """Rows come in order and match their hashes."""
    return signal, _hash(signal)


def unsorted(chance: random.Random, signal: Signal) -> tuple[Signal, str]:
    """Times carry mixed UTC offsets, so the order of their texts is not that of the instants."""
    local = datetime.fromisoformat(str(signal["timestamp"])).astimezone(chance.choice(_OFFSETS))
    return plain(chance, {**signal, "timestamp": local.isoformat()})


def integers(_chance: random.Random, signal: Signal) -> tuple[Signal, str]:
    """The producer hashed an integral confidence as an integer; the table gives it back as a double."""
    confidence = int(signal["confidence"])
    return {**signal, "confidence": float(confidence)}, _hash({**signal, "confidence": confidence})


def bad(_chance: random.Random, signal: Signal) -> tuple[Signal, str]:
    """No row matches its hash, and none has a stop price: all go into quarantine."""
    return {**signal, "stop_price": 0.0}, _hash(signal)


KINDS: dict[str, Twist] = {"plain": plain, "unsorted": unsorted, "integers": integers, "bad": bad}


def make_table(path: Path, rows: int, kind: str = "plain", days: int = 1) -> None:
    """Write ``rows`` signals for each of ``days`` days that end with ``DAY``."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(f"CREATE TABLE signals (id INTEGER PRIMARY KEY, {_COLUMNS}, sha256 TEXT NOT NULL)")
        names = (*_HASHED, "sha256")
        insert = f"INSERT INTO signals ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        for back in reversed(range(days)):
            database.executemany(insert, _stored_rows(DAY - timedelta(days=back), rows, kind))
        database.execute("CREATE INDEX idx_timestamp ON signals (timestamp)")
        database.commit()
    unfinished.replace(path)


def _stored_rows(day: date, rows: int, kind: str) -> Iterator[tuple[str | float, ...]]:
    chance = random.Random(f"{SEED} {day}")
    for signal in _signals(chance, day, rows):
        stored, stored_hash = KINDS[kind](chance, signal)
        yield (*stored.values(), stored_hash)


def _signals(chance: random.Random, day: date, rows: int) -> Iterator[Signal]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    step_us = 86_400_000_000 / rows
    for row in range(rows):
        symbol = chance.choice(list(_SYMBOLS))
        low, high, decimals = _SYMBOLS[symbol]
        price, risk = chance.uniform(low, high), chance.uniform(0.01, 0.05)
        is_buy = chance.random() < 0.5
        ahead = risk if is_buy else -risk
        at = midnight + timedelta(microseconds=int(row * step_us + chance.random() * step_us * 0.999))
        yield {
            "signal_id": f"{chance.getrandbits(64):016x}",
            "symbol": symbol,
            "action": "BUY" if is_buy else "SELL",
            "entry_price": round(price, decimals),
            "target_price": round(price * (1 + ahead), decimals),
            "stop_price": round(price * (1 - ahead / 2), decimals),
            "confidence": round(chance.uniform(55, 98), 2),
            "strategy": "weighted_consensus_v6",
            "timestamp": at.isoformat(timespec="microseconds"),
        }


def _hash(signal: Signal) -> str:
    return hashlib.sha256(json.dumps(signal, sort_keys=True).encode("ascii")).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--kind", choices=KINDS, default="plain")
    parser.add_argument("--days", type=int, default=1)
    arguments = parser.parse_args()
    make_table(arguments.path, arguments.rows, arguments.kind, arguments.days)


if __name__ == "__main__":
    main()
