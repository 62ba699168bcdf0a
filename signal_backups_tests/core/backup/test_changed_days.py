"""Every day is compared with the database at least once a month, however many days there are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from signal_backups.core.backup.changed_days import begin_of_next_night, days_of_tonight
from signal_backups.core.base.day_ranges import DayRange
from signal_backups.core.base.days import ONE_DAY, days_between

FIRST = date(2020, 1, 1)
SHORTEST_MONTH = 28


@pytest.mark.parametrize("days", [1, 2, 10, 24, 25, 26, 100, 130, 2555])
def test_no_day_waits_longer_than_a_month_while_a_day_is_added_every_night(days: int) -> None:
    begin, tonight = None, FIRST + timedelta(days=days)
    began, compared = tonight, dict[date, date]()
    for _ in range(90):
        last = tonight - ONE_DAY
        part = days_of_tonight(FIRST, last, begin)
        begin = begin_of_next_night(part, last)
        compared.update(dict.fromkeys(part.days, tonight))
        began = FIRST + timedelta(days=days)
        waits = [tonight - max(compared.get(day, began), day + ONE_DAY) for day in days_between(FIRST, last)]
        assert max(waits) < timedelta(days=SHORTEST_MONTH)
        tonight += ONE_DAY


def test_a_night_compares_a_part_of_all_days() -> None:
    part = days_of_tonight(FIRST, FIRST + timedelta(days=2554), None)
    assert part == DayRange(FIRST, FIRST + timedelta(days=121))


@pytest.mark.parametrize("begin", [FIRST - ONE_DAY, FIRST + 10 * ONE_DAY])
def test_with_another_start_date_it_begins_anew(begin: date) -> None:
    assert days_of_tonight(FIRST, FIRST + 9 * ONE_DAY, begin) == DayRange(FIRST, FIRST)
