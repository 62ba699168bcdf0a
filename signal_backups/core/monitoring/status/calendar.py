"""The last weeks as a calendar, with one character per day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from pydantic import BaseModel

from signal_backups.core.base.days import days_between
from signal_backups.core.vault.day_state import DayState

#: Weeks shown, including the current one.
WEEKS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


#: The characters of the calendar, by the worst state of a day.
SIGNS = {
    DayState.BEFORE: ".",
    DayState.VERIFIED: "#",
    DayState.NOT_DUE: ".",
    DayState.CHANGES_ACCEPTED: "#",
    DayState.QUARANTINED: "+",
    DayState.OTHER_OBJECT: "+",
    DayState.QUARANTINE_LOST: "?",
    DayState.STUCK: "?",
    DayState.DIFFERS: "~",
    DayState.OPEN_FINDING: "?",
    DayState.FAILING: "?",
    DayState.UNVERIFIED: "?",
    DayState.TAMPERED: "?",
    DayState.HIDDEN: "!",
    DayState.MISSING: "!",
    DayState.DESTROYED: "X",
}
LEGEND = {
    DayState.VERIFIED: "verified",
    DayState.QUARANTINED: "to check",
    DayState.DIFFERS: "differs",
    DayState.UNVERIFIED: "doubtful",
    DayState.MISSING: "missing",
    DayState.DESTROYED: "destroyed",
    DayState.NOT_DUE: "not due",
}


class CalendarDay(BaseModel, frozen=True):
    """A day (UTC) of the calendar."""

    day: date
    state: DayState


def calendar_of(today: date, first_day: date, states: Mapping[date, DayState]) -> list[CalendarDay]:
    """Return the days of ``WEEKS`` weeks, from a Monday to ``today``.

    Args:
        today: the current day, UTC.
        first_day: the first day that should be backed up.
        states: the worst state of each day; a day from ``first_day`` on without one is not due.
    """
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)

    def state(day: date) -> DayState:
        return states.get(day, DayState.BEFORE if day < first_day else DayState.NOT_DUE)

    return [CalendarDay(day=day, state=state(day)) for day in days_between(monday, today)]


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
