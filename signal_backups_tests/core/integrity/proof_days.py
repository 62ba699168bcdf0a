"""Days for the tests of proofs, whose signals share no values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from signal_backups.core.vault.manifest import Manifest
from signal_backups_tests.samples.signals import DAY, Row, signal

BackUp = Callable[[date, Sequence[Row]], Manifest]


def later(number: int) -> date:
    """The day that is ``number`` days after ``DAY``."""
    return DAY + timedelta(days=number)


def rows_of(day: date, size: int = 5) -> list[Row]:
    """Good signals of a day that share no values."""
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
