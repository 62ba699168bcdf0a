"""Sample signals: rows as a producer writes them, with their verification hash."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from hashlib import sha256
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
DAY = date(2026, 11, 1)

HASHED = (
    "action",
    "confidence",
    "entry_price",
    "signal_id",
    "stop_price",
    "strategy",
    "symbol",
    "target_price",
    "timestamp",
)
TEXTS = ("signal_id", "symbol", "action", "strategy", "timestamp")
NUMBERS = ("entry_price", "target_price", "stop_price", "confidence")

Row = dict[str, object]


def producer_hash(row: Row, as_integer: Iterable[str] = ()) -> str:
    """The hash as producers compute it, independent of the project's own code."""
    hashed = {name: row[name] for name in HASHED} | {name: int(row[name]) for name in as_integer}  # type: ignore
    return sha256(json.dumps(hashed, sort_keys=True, default=str).encode()).hexdigest()


def signal(number: int = 1, as_integer: Iterable[str] = (), **changes: object) -> Row:
    """A good signal of ``DAY``, with the given changes; its hash is correct unless given."""
    row: Row = {
        "signal_id": f"signal-{number:05}",
        "symbol": "EURUSD",
        "action": "BUY",
        "entry_price": 1.0842,
        "target_price": 1.0923,
        "stop_price": 1.0799,
        "confidence": 87.5,
        "strategy": "trend",
        "timestamp": f"{DAY}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}+00:00",
    }
    row |= changes
    return {**row, "verification_hash": row.get("verification_hash", producer_hash(row, as_integer))}


def signals(count: int) -> list[Row]:
    """``count`` good signals of ``DAY``, in backup order."""
    return [signal(number) for number in range(1, count + 1)]


def hash_vectors() -> list[Row]:
    """The reference rows: the nine hashed fields as a database returns them, and the producer's hash."""
    lines = (DATA / "verification_hash_vectors.jsonl").read_text(encoding="utf-8").splitlines()
    vectors = [json.loads(line) for line in lines]
    return [{**vector["stored"], "verification_hash": vector["verification_hash"]} for vector in vectors]
