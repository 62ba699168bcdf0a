"""The days of the calendar and their places in it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from signal_backups.core.monitoring.status.calendar import (
    LEGEND,
    SIGNS,
    WEEKDAYS,
    WEEKS,
    calendar_of,
    month_names,
    rows_of,
)
from signal_backups.core.vault.day_state import DayState

LONG_AGO = date(2000, 1, 1)


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 23), date(2026, 9, 7)),  # a Monday: the week has just begun
        (date(2026, 11, 29), date(2026, 9, 7)),  # its Sunday
        (date(2028, 3, 5), date(2027, 12, 13)),  # over a year's change and a leap day
    ],
)
def test_a_calendar_begins_on_a_monday_and_ends_today(today: date, first: date) -> None:
    days = [found.day for found in calendar_of(today, LONG_AGO, {})]
    assert (days[0], days[-1], days[0].weekday()) == (first, today, 0)
    assert len(days) == (today - first).days + 1
    assert len(set(days)) == len(days)
    assert len(rows_of(calendar_of(today, LONG_AGO, {}))[0]) == WEEKS


def test_leap_day_and_new_year_are_in_the_rows_of_their_weekdays() -> None:
    rows = rows_of(calendar_of(date(2028, 3, 5), LONG_AGO, {}))
    assert [{found.day.weekday() for found in row} for row in rows] == [{number} for number in range(len(WEEKDAYS))]
    assert date(2028, 2, 29) in [found.day for found in rows[1]]
    assert [found.day for found in rows[5]][2:4] == [date(2028, 1, 1), date(2028, 1, 8)]


def test_days_without_a_mark_are_before_the_first_or_not_due() -> None:
    today = date(2026, 11, 23)
    first, missing = today - timedelta(days=3), today - timedelta(days=2)
    found = calendar_of(today, first, {missing: DayState.MISSING, today - timedelta(days=1): DayState.VERIFIED})
    assert [each.state for each in found[-5:]] == [
        DayState.BEFORE,
        DayState.NOT_DUE,
        DayState.MISSING,
        DayState.VERIFIED,
        DayState.NOT_DUE,
    ]
    assert {each.state for each in found[:-4]} == {DayState.BEFORE}


@pytest.mark.parametrize(
    ("today", "names"),
    [
        (date(2026, 11, 29), ["Sep", "", "", "Oct", "", "", "", "Nov", "", "", "", ""]),
        (date(2028, 3, 5), ["Dec", "", "Jan", "", "", "", "", "Feb", "", "", "", "Mar"]),
        (date(2026, 11, 8), ["Aug", "", "Sep", "", "", "", "Oct", "", "", "", "Nov", ""]),
        # The first month has only one week, too narrow for its name.
        (date(2026, 4, 12), ["", "Feb", "", "", "", "Mar", "", "", "", "", "Apr", ""]),
    ],
)
def test_a_month_is_named_above_the_week_in_which_it_begins(today: date, names: list[str]) -> None:
    assert month_names(calendar_of(today, LONG_AGO, {})) == names


def test_every_mark_has_a_one_character_sign_with_a_legend() -> None:
    assert set(SIGNS) == set(DayState)
    assert {len(sign) for sign in SIGNS.values()} == {1}
    assert {SIGNS[mark] for mark in LEGEND} == set(SIGNS.values())
    assert len({SIGNS[mark] for mark in LEGEND}) == len(LEGEND)
