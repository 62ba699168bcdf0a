"""SQL conditions that select the rows of a day, and those of no day, by a range of the timestamp index.

Each is the rest of a query after WHERE. They may select more than asked for, never less; only ``exactly_of_day`` finds
the same rows as ``signals.timestamps``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from signal_backups.core.base.days import ONE_DAY


@dataclass(frozen=True)
class TextFilters:
    """Conditions for a column of text.

    Attributes:
        stamp: the column, qualified: an unqualified one in ORDER BY would be the column of the result.
        has_offset: whether the text of an instant ends with another UTC offset than zero.
        names_no_day: whether a text does not begin with a valid date, or is not text at all.
        day_of_offset: the UTC day, as text, of the instant of a text that has an offset; NULL: it is no instant.
    """

    stamp: str
    has_offset: str
    names_no_day: str
    day_of_offset: str

    @property
    def utc_day(self) -> str:
        """The UTC day of a row, as text; of one without a day it is any text that is no day."""
        beginning = f"substr({self.stamp}, 1, 10)"
        return f"CASE WHEN {self.has_offset} THEN coalesce({self.day_of_offset}, {beginning}) ELSE {beginning} END"

    def exactly_of_day(self, day: date) -> str:
        """The rows of a day and no others, for a condition in a join."""
        return f"({self._range(day - ONE_DAY, day + 2 * ONE_DAY)} AND {self.utc_day} = '{day}')"

    def of_day(self, day: date) -> Sequence[str]:
        """The rows whose text begins with the day, then those of its neighbours that may be instants of the day.

        UTC offsets are less than a day. Of the neighbours only the index is searched.
        """
        before, after = day - ONE_DAY, day + ONE_DAY
        return (
            f"{self._range(day, after)} ORDER BY {self.stamp}",
            f"{self._range(before, day)} AND {self.has_offset} ORDER BY {self.stamp}",
            f"{self._range(after, after + ONE_DAY)} AND {self.has_offset} ORDER BY {self.stamp}",
        )

    def of_no_day(self, first: date, last: date) -> Sequence[str]:
        """The rows that belong to no day from ``first`` to ``last``; reads the whole index."""
        at_the_edge = f"({self.stamp} < '{first + ONE_DAY}' OR {self.stamp} >= '{last}')"
        return (
            f"{self.stamp} IS NULL OR {self.stamp} < '{first}' OR {self.stamp} >= '{last + ONE_DAY}' "
            f"OR ({self.has_offset} AND {at_the_edge}) OR {self.names_no_day}",
        )

    def _range(self, first: date, end: date) -> str:
        return f"{self.stamp} >= '{first}' AND {self.stamp} < '{end}'"


@dataclass(frozen=True)
class TimestampFilters:
    """Conditions for a column of PostgreSQL's timestamps; a session in UTC reads those without time zone as UTC."""

    stamp: str

    @property
    def utc_day(self) -> str:
        """The UTC day of a row, as text; of one without a day it is any text that is no day."""
        return f"to_char({self.stamp}, 'YYYY-MM-DD')"

    def exactly_of_day(self, day: date) -> str:
        """The rows of a day and no others, for a condition in a join."""
        return f"({self.stamp} >= {_midnight(day)} AND {self.stamp} < {_midnight(day + ONE_DAY)})"

    def of_day(self, day: date) -> Sequence[str]:
        """The rows of a day."""
        return (f"{self.exactly_of_day(day)} ORDER BY {self.stamp}",)

    def of_no_day(self, first: date, last: date) -> Sequence[str]:
        """The rows before ``first``, after ``last``, and without a time; an infinite time is before or after all."""
        return (
            f"{self.stamp} IS NULL OR {self.stamp} < {_midnight(first)} OR {self.stamp} >= {_midnight(last + ONE_DAY)}",
        )


RowFilters = TextFilters | TimestampFilters


def _midnight(day: date) -> str:
    return f"'{day} 00:00:00+00'"
