"""The last weeks as a calendar, with one character per day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

from pydantic import BaseModel

from signal_backups.core.base.days import days_between

#: Weeks shown, including the current one.
WEEKS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class DayMark(StrEnum):
    """The state of a day in the calendar; a day with several has the worst."""

    VERIFIED = "verified"
    QUARANTINED = "quarantined"
    #: The database altered or lost signals of the backup.
    DIFFERS = "differs"
    UNVERIFIED = "unverified"
    MISSING = "missing"
    DESTROYED = "destroyed"
    #: The day is not over, or its backup is not late yet.
    NOT_DUE = "not_due"
    #: Before the first day that should be backed up.
    BEFORE = "before"


#: The characters of the calendar.
SIGNS = {
    DayMark.VERIFIED: "#",
    DayMark.QUARANTINED: "+",
    DayMark.DIFFERS: "~",
    DayMark.UNVERIFIED: "?",
    DayMark.MISSING: "!",
    DayMark.DESTROYED: "X",
    DayMark.NOT_DUE: ".",
    DayMark.BEFORE: ".",
}
LEGEND = {
    DayMark.VERIFIED: "verified",
    DayMark.QUARANTINED: "quarantined rows",
    DayMark.DIFFERS: "differs",
    DayMark.UNVERIFIED: "unverified",
    DayMark.MISSING: "missing",
    DayMark.DESTROYED: "destroyed",
    DayMark.NOT_DUE: "not due",
}


class CalendarDay(BaseModel, frozen=True):
    """A day (UTC) of the calendar."""

    day: date
    state: DayMark


def calendar_of(today: date, first_day: date, marks: Mapping[date, DayMark]) -> list[CalendarDay]:
    """Return the days of ``WEEKS`` weeks, from a Monday to ``today``.

    Args:
        today: the current day, UTC.
        first_day: the first day that should be backed up.
        marks: the marks of days; a day from ``first_day`` on without a mark is not due.
    """
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)

    def mark(day: date) -> DayMark:
        return marks.get(day, DayMark.BEFORE if day < first_day else DayMark.NOT_DUE)

    return [CalendarDay(day=day, state=mark(day)) for day in days_between(monday, today)]


def rows_of(calendar: Sequence[CalendarDay]) -> list[Sequence[CalendarDay]]:
    """Return one row for each weekday, starting with Monday, with a day of every week."""
    return [calendar[weekday :: len(WEEKDAYS)] for weekday in range(len(WEEKDAYS))]


def month_names(calendar: Sequence[CalendarDay]) -> list[str]:
    """Return for each week the name of the month that begins in it, else ""; the first week has its own month."""
    sundays = [monday.day + timedelta(days=6) for monday in rows_of(calendar)[0]]
    names = [f"{sunday:%b}" for sunday in sundays]
    shown = [name if name != before else "" for before, name in zip(["", *names], names, strict=False)]
    # A name is wider than the column of a week, so two in a row would overlap.
    return ["", *shown[1:]] if shown[1] else shown
