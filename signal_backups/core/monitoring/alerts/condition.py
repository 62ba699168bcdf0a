"""A condition: one thing that is wrong, in the words that somebody woken at 3 a.m. needs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from signal_backups.core.base.day_ranges import DayRange, ranges_of

_MAX_TEXT = 600
_MAX_RANGES = 50


class AlertSeverity(StrEnum):
    """Who should know: ``critical`` wakes people up."""

    WARNING = "warning"
    CRITICAL = "critical"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."


Text = Annotated[str, BeforeValidator(_cut)]


class Days(BaseModel):
    """Days of a condition: the newest ranges; ``more`` tells that there are older ones, of which nothing is known."""

    model_config = ConfigDict(frozen=True)

    ranges: tuple[DayRange, ...] = ()
    more: bool = False

    @classmethod
    def of(cls, days: Iterable[date]) -> Self:
        """Some days, in any order."""
        ranges = ranges_of(days)
        return cls(ranges=tuple(ranges[-_MAX_RANGES:]), more=len(ranges) > _MAX_RANGES)

    def __contains__(self, day: date) -> bool:
        """Whether it is one of them; unknown older days count as such, so that nobody is told of them again."""
        if self.more and day < self.ranges[0].first:
            return True
        return any(each.first <= day <= each.last for each in self.ranges)

    def has_all_of(self, others: Days) -> bool:
        """Whether every other day is one of these."""
        return all(day in self for each in others.ranges for day in each.days)

    def __str__(self) -> str:
        older = "older ones, " if self.more else ""
        return older + ", ".join(str(each) for each in self.ranges)


class Condition(BaseModel):
    """One thing that is wrong.

    ``key`` tells it apart (``kind/which``); a condition with a key seen before is the same one, lasting. ``since`` is
    when it began (UTC), None: when it is seen first. ``command`` is what to run, ``link`` the page of the run.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    severity: AlertSeverity
    what: Text
    days: Days = Days()
    since: datetime | None = None
    last_good: Text = ""
    command: Text = ""
    link: str = ""

    @property
    def kind(self) -> str:
        """The part of the key that all conditions of its kind share."""
        return self.key.partition("/")[0]
