"""A condition: one thing that is wrong, in words for somebody who is woken at 3 a.m."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator

from signal_backups.core.base.day_ranges import DayRange, ranges_of

_MAX_TEXT = 600
_MAX_RANGES = 50


class AlertSeverity(StrEnum):
    """How urgent: ``critical`` wakes people up."""

    WARNING = "warning"
    CRITICAL = "critical"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}..."


Text = Annotated[str, BeforeValidator(_cut)]


class Days(BaseModel, frozen=True):
    """Days of a condition: the newest ranges. ``more``: there are older ones, which are not kept."""

    ranges: tuple[DayRange, ...] = ()
    more: bool = False

    @classmethod
    def of(cls, days: Iterable[date]) -> Self:
        """Some days, in any order."""
        ranges = ranges_of(days)
        return cls(ranges=tuple(ranges[-_MAX_RANGES:]), more=len(ranges) > _MAX_RANGES)

    def __contains__(self, day: date) -> bool:
        """Whether it is one of them. With ``more``, every older day counts, so that nobody is notified of it again."""
        if self.more and day < self.ranges[0].first:
            return True
        return any(each.first <= day <= each.last for each in self.ranges)

    def has_all_of(self, others: Days) -> bool:
        """Whether every other day is one of these."""
        return all(day in self for each in others.ranges for day in each.days)

    def __str__(self) -> str:
        older = "older ones, " if self.more else ""
        return older + ", ".join(str(each) for each in self.ranges)


class Condition(BaseModel, frozen=True):
    """One thing that is wrong.

    Attributes:
        key: ``kind/which``. A condition found again with the same key is the same one.
        severity: how urgent it is.
        what: what is wrong, in one line.
        days: the days that it concerns.
        since: when it began (UTC); None: when it was first found.
        last_good: the newest verified backup in words.
        command: the command to run.
        link: the page of the run.
    """

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
