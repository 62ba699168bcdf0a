"""Days for the tests of proofs: no value of one signal in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from signal_backups.core.vault.manifest import Manifest
from signal_backups_tests.samples.signals import DAY, Row, signal

Stores = Callable[[date, Sequence[Row]], Manifest]


def later(number: int) -> date:
    """So many days after ``DAY``."""
    return DAY + timedelta(days=number)


def rows_of(day: date, size: int = 5) -> list[Row]:
    """Good signals of a day, no value of one in another."""
    return [
        signal(
            number,
            signal_id=f"{day:%Y%m%d}-{number:03}",
            entry_price=1000.5 + number,
            target_price=2000.5 + number,
            stop_price=3000.5 + number,
            confidence=number + 0.125,
            symbol=f"SYM{number:03}",
            strategy=f"strategy-{number:03}",
            timestamp=f"{day}T00:00:{number:02}Z",
        )
        for number in range(size)
    ]
