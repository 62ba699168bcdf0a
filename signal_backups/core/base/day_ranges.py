"""Days as ranges, as runs are asked for, as a state keeps them and as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from signal_backups.core.base.days import ONE_DAY, days_between


class DayRange(NamedTuple):
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @property
    def days(self) -> Iterator[date]:
        """Every day of it."""
        return days_between(self.first, self.last)

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"


def ranges_of(days: Iterable[date], longest: int | None = None) -> list[DayRange]:
    """Days in any order as ranges, oldest first, each of at most ``longest`` days."""
    ranges: list[DayRange] = []
    for day in sorted(set(days)):
        previous = ranges[-1] if ranges else None
        is_full = previous and longest and (day - previous.first).days >= longest
        if previous and day - previous.last == ONE_DAY and not is_full:
            ranges[-1] = DayRange(previous.first, day)
        else:
            ranges.append(DayRange(day, day))
    return ranges
