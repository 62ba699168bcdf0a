"""Is a day's number of records plausible."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from signal_backups.core.backup.plausibility import judge_count, trailing_weekdays

DAY = date(2026, 11, 4)


def weeks_of(*counts: int) -> dict[date, int]:
    return {DAY - timedelta(weeks=week): count for week, count in enumerate(counts, 1)}


@pytest.mark.parametrize(
    ("records", "plausible"), [(49, False), (50, True), (100, True), (200, True), (201, False), (0, False)]
)
def test_half_to_double_the_median_is_plausible(records: int, plausible: bool) -> None:
    assert judge_count(DAY, records, weeks_of(90, 100, 110)).plausible == plausible


def test_two_earlier_weeks_say_nothing() -> None:
    judgement = judge_count(DAY, 0, weeks_of(100, 100))
    assert judgement.plausible
    assert judgement.reason == "only 2 earlier Wednesdays to compare with"


def test_no_history_says_nothing() -> None:
    judgement = judge_count(DAY, 5, {})
    assert (judgement.plausible, judgement.median, judgement.earlier_days) == (True, None, 0)


def test_other_weekdays_do_not_count() -> None:
    other = {day - timedelta(days=1): 1000 for day in weeks_of(*range(8))}
    assert judge_count(DAY, 100, weeks_of(100, 100, 100) | other).median == 100.0


def test_only_eight_weeks_are_looked_back_on() -> None:
    assert trailing_weekdays(DAY) == [DAY - timedelta(weeks=week) for week in range(1, 9)]
    assert judge_count(DAY, 100, weeks_of(*[100] * 8, 10_000, 10_000)).earlier_days == 8


def test_fewer_than_the_backup_stored_before_is_implausible_whatever_the_median() -> None:
    judgement = judge_count(DAY, 99, weeks_of(100, 100, 100) | {DAY: 100})
    assert not judgement.plausible
    assert judgement.reason == "1 fewer than the backup stored before"
    assert not judgement.lost_all


def test_nothing_where_there_was_something_is_more_than_implausible() -> None:
    assert judge_count(DAY, 0, {DAY: 100}).lost_all
    assert not judge_count(DAY, 0, {DAY: 0}).lost_all
    assert not judge_count(DAY, 0, weeks_of(100, 100, 100)).lost_all


def test_as_many_or_more_than_the_backup_stored_before_is_plausible() -> None:
    assert judge_count(DAY, 100, weeks_of(100, 100, 100) | {DAY: 100}).plausible
    assert judge_count(DAY, 101, weeks_of(100, 100, 100) | {DAY: 100}).plausible


def test_a_weekday_that_is_always_empty_may_be_empty() -> None:
    assert judge_count(DAY, 0, weeks_of(0, 0, 0)).plausible
    assert not judge_count(DAY, 1, weeks_of(0, 0, 0)).plausible


def test_the_reason_shows_the_numbers() -> None:
    assert judge_count(DAY, 10, weeks_of(99, 100, 103)).reason == (
        "10 records, Wednesdays have 100 (accepted: 50 to 200)"
    )
