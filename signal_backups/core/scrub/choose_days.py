"""Which days a night reads: those that were read longest ago, as many as it takes to read all of them in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import BYTES_PER_DAY_READ, SCRUB_SHARE


class Order(NamedTuple):
    """In which order days are read.

    Attributes:
        first: the days that the store gave when they were last tried, the one that was read longest ago first.
        refused: the days that it did not give then, the one that was tried longest ago first.
    """

    first: list[date]
    refused: list[date]


def order_of(reads: Mapping[date, datetime], not_read_at: Mapping[date, datetime]) -> Order:
    """Put days in the order in which they are to be read.

    Args:
        reads: when each day was last read (UTC).
        not_read_at: when the store last did not give a day (UTC).
    """
    refused = {day: not_read_at[day] for day in reads if day in not_read_at and not_read_at[day] > reads[day]}
    return Order(
        sorted(reads.keys() - refused.keys(), key=lambda day: (reads[day], day)),
        sorted(refused, key=lambda day: (refused[day], day)),
    )


def share_of(sizes: Mapping[date, int], within: timedelta) -> float:
    """What a night has to read, in bytes and requests together, so that everything is read in time.

    Args:
        sizes: what is stored of each day, bytes.
        within: the time within which everything is to be read.
    """
    nights = max(1, int(within / ONE_DAY * SCRUB_SHARE))
    return sum(map(_effort, sizes.values())) / nights


def read_share(share: float, days: Iterable[date], sizes: Mapping[date, int], read: Callable[[date], bool]) -> None:
    """Read days until the share is read, and at most one day more.

    Args:
        share: how much is to be read, see ``share_of``.
        days: the days, in their order.
        sizes: what is stored of each of these days, bytes.
        read: reads a day; False if it could not be read, which spends nothing.
    """
    for day in days:
        if share <= 0:
            return
        if read(day):
            share -= _effort(sizes[day])


def _effort(size: int) -> int:
    return size + BYTES_PER_DAY_READ
