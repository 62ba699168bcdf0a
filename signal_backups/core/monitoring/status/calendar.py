"""The last weeks as a calendar: what is to be said of each day, in one character."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.days import days_between

#: Weeks shown, the present one included.
WEEKS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class DayMark(StrEnum):
    """What is to be said of a day, most of all."""

    VERIFIED = "verified"
    QUARANTINED = "quarantined"
    UNVERIFIED = "unverified"
    MISSING = "missing"
    #: Not over, or its backup may still come in time.
    NOT_DUE = "not_due"
    #: Before the first day that should be backed up.
    BEFORE = "before"


#: The characters of a calendar, and what they mean.
SIGNS = {
    DayMark.VERIFIED: "#",
    DayMark.QUARANTINED: "+",
    DayMark.UNVERIFIED: "?",
    DayMark.MISSING: "!",
    DayMark.NOT_DUE: ".",
    DayMark.BEFORE: ".",
}
LEGEND = {
    DayMark.VERIFIED: "verified",
    DayMark.QUARANTINED: "quarantined rows",
    DayMark.UNVERIFIED: "unverified",
    DayMark.MISSING: "missing",
    DayMark.NOT_DUE: "not due",
}


class CalendarDay(BaseModel):
    """A day (UTC) of the calendar."""

    model_config = ConfigDict(frozen=True)

    day: date
    state: DayMark


def calendar_of(today: date, first_day: date, marks: Mapping[date, DayMark]) -> list[CalendarDay]:
    """The days from a Monday to ``today``, ``WEEKS`` weeks of which the last may not be over.

    Args:
        today: the present day, UTC.
        first_day: the first that should be backed up.
        marks: what is known of days; one from the first day on without a mark is not due.
    """
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)

    def mark(day: date) -> DayMark:
        return marks.get(day, DayMark.BEFORE if day < first_day else DayMark.NOT_DUE)

    return [CalendarDay(day=day, state=mark(day)) for day in days_between(monday, today)]


def rows_of(calendar: Sequence[CalendarDay]) -> list[Sequence[CalendarDay]]:
    """By weekday from Monday on, the days of the weeks."""
    return [calendar[weekday :: len(WEEKDAYS)] for weekday in range(len(WEEKDAYS))]


def month_names(calendar: Sequence[CalendarDay]) -> list[str]:
    """For each week the month that begins in it, for the first the one that it is in; else nothing."""
    sundays = [monday.day + timedelta(days=6) for monday in rows_of(calendar)[0]]
    names = [f"{sunday:%b}" for sunday in sundays]
    shown = [name if name != before else "" for before, name in zip(["", *names], names, strict=False)]
    # A name is wider than a week.
    return ["", *shown[1:]] if shown[1] else shown
