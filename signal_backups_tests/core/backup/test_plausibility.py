"""Whether a day's number of signals is plausible."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from signal_backups.core.backup.plausibility import check_count, trailing_weekdays

DAY = date(2026, 11, 4)


def weeks_of(*counts: int) -> dict[date, int]:
    return {DAY - timedelta(weeks=week): count for week, count in enumerate(counts, 1)}


@pytest.mark.parametrize(
    ("signals", "plausible"), [(49, False), (50, True), (100, True), (200, True), (201, False), (0, False)]
)
def test_half_to_double_the_median_is_plausible(signals: int, plausible: bool) -> None:
    assert check_count(DAY, signals, weeks_of(90, 100, 110)).plausible == plausible


def test_with_two_earlier_weeks_any_count_is_plausible() -> None:
    result = check_count(DAY, 0, weeks_of(100, 100))
    assert result.plausible
    assert result.reason == "only 2 earlier Wednesdays to compare with"


def test_without_earlier_weeks_any_count_is_plausible() -> None:
    result = check_count(DAY, 5, {})
    assert (result.plausible, result.median, result.earlier_days) == (True, None, 0)


def test_other_weekdays_do_not_count() -> None:
    other = {day - timedelta(days=1): 1000 for day in weeks_of(*range(8))}
    assert check_count(DAY, 100, weeks_of(100, 100, 100) | other).median == 100.0


def test_only_eight_earlier_weeks_are_compared() -> None:
    assert trailing_weekdays(DAY) == [DAY - timedelta(weeks=week) for week in range(1, 9)]
    assert check_count(DAY, 100, weeks_of(*[100] * 8, 10_000, 10_000)).earlier_days == 8


def test_fewer_than_in_the_stored_backup_is_implausible_whatever_the_median() -> None:
    result = check_count(DAY, 99, weeks_of(100, 100, 100) | {DAY: 100})
    assert not result.plausible
    assert result.reason == "1 rows fewer than at its last backup"
    assert not result.lost_all


def test_an_empty_day_whose_stored_backup_has_signals_has_lost_all() -> None:
    assert check_count(DAY, 0, {DAY: 100}).lost_all
    assert not check_count(DAY, 0, {DAY: 0}).lost_all
    assert not check_count(DAY, 0, weeks_of(100, 100, 100)).lost_all


def test_as_many_or_more_than_in_the_stored_backup_is_plausible() -> None:
    assert check_count(DAY, 100, weeks_of(100, 100, 100) | {DAY: 100}).plausible
    assert check_count(DAY, 101, weeks_of(100, 100, 100) | {DAY: 100}).plausible


def test_a_weekday_that_is_always_empty_may_be_empty() -> None:
    assert check_count(DAY, 0, weeks_of(0, 0, 0)).plausible
    assert not check_count(DAY, 1, weeks_of(0, 0, 0)).plausible


def test_the_reason_shows_the_numbers() -> None:
    assert check_count(DAY, 10, weeks_of(99, 100, 103)).reason == ("10 rows, Wednesdays have 100 (accepted: 50 to 200)")
