"""Everything is read within the limit, in nights of about the same work."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.scrub.choose_days import order_of, read_share, share_of

FIRST = date(2020, 1, 1)
NOW = datetime(2027, 1, 1, 5, tzinfo=UTC)
LIMIT = timedelta(days=30)
MB = 1_000_000


def days(count: int) -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(count)]


def days_to_read(reads: dict[date, datetime], sizes: dict[date, int], within: timedelta) -> list[date]:
    """What a night reads of a store that gives every day."""
    chosen: list[date] = []
    read_share(share_of(sizes, within), order_of(reads, {}).first, sizes, lambda day: not chosen.append(day))
    return chosen


def oldest_age(sizes: dict[date, int], nights: int, *, off: range = range(0)) -> timedelta:
    """How old the oldest read gets, when all were read at once, and nothing runs in some of the nights."""
    reads = dict.fromkeys(sizes, NOW)
    worst = timedelta(0)
    for night in range(nights):
        now = NOW + (night + 1) * ONE_DAY
        if night not in off:
            reads |= dict.fromkeys(days_to_read(reads, sizes, LIMIT), now)
        worst = max(worst, now - min(reads.values()))
    return worst


@pytest.mark.parametrize("count", [1, 7, 24, 25, 26, 300])
@pytest.mark.parametrize("size", [1000, 50 * MB])
def test_every_day_is_read_within_the_limit(count: int, size: int) -> None:
    assert oldest_age(dict.fromkeys(days(count), size), 70) <= LIMIT


def test_also_when_one_day_is_as_large_as_all_others() -> None:
    sizes = dict.fromkeys(days(200), MB)
    assert oldest_age(sizes | {FIRST: 200 * MB}, 70) <= LIMIT


def test_also_when_four_nights_fail() -> None:
    assert oldest_age(dict.fromkeys(days(300), MB), 70, off=range(20, 24)) <= LIMIT


def test_the_days_that_were_read_longest_ago_come_first() -> None:
    reads = {day: NOW - timedelta(days=number % 7) for number, day in enumerate(days(70))}
    chosen = days_to_read(reads, dict.fromkeys(reads, MB), LIMIT)
    assert chosen == [FIRST + timedelta(days=number) for number in (6, 13, 20)]


def test_a_night_is_bounded_in_bytes_and_in_days() -> None:
    small = dict.fromkeys(days(2555), 10_000)
    assert len(days_to_read(dict.fromkeys(small, NOW), small, LIMIT)) == 103
    mixed = dict.fromkeys(days(2555), 1) | dict.fromkeys(days(100), 25 * MB)
    chosen = days_to_read(dict.fromkeys(mixed, NOW), mixed, LIMIT)
    assert sum(mixed[day] for day in chosen) <= (sum(mixed.values()) + 2555 * MB) / 25 + 25 * MB


def test_a_longer_limit_reads_less_a_night() -> None:
    small = dict.fromkeys(days(2555), 10_000)
    reads = dict.fromkeys(small, NOW)
    assert len(days_to_read(reads, small, timedelta(days=365))) == 9
    assert len(days_to_read(reads, small, timedelta(days=1))) == 2555


def test_nothing_stored_is_nothing_to_read() -> None:
    assert days_to_read({}, {}, LIMIT) == []


def test_a_day_that_could_not_be_read_spends_nothing() -> None:
    sizes = dict.fromkeys(days(50), MB)
    tried: list[date] = []
    read_share(share_of(sizes, LIMIT), sizes, sizes, lambda day: bool(tried.append(day)) or day not in days(3))
    assert tried == days(5)


def test_days_that_the_store_refused_are_last_until_they_were_read() -> None:
    first, second, third, fourth = days(4)
    reads = dict.fromkeys(days(4), NOW) | {third: NOW - ONE_DAY}
    refused = {second: NOW + 2 * ONE_DAY, first: NOW + 3 * ONE_DAY, fourth: NOW - ONE_DAY}
    assert order_of(reads, refused) == ([third, fourth], [second, first])


def test_three_refused_days_of_120_keep_no_other_from_being_read_in_time() -> None:
    sizes, bad = dict.fromkeys(days(120), MB), days(3)
    reads, refused = dict.fromkeys(sizes, NOW), {}
    for night in range(25):
        now = NOW + (night + 1) * ONE_DAY
        tried: list[date] = []
        first = order_of(reads, refused).first
        read_share(
            share_of(sizes, LIMIT), first, sizes, lambda day, tried=tried: bool(tried.append(day)) or day not in bad
        )
        refused |= dict.fromkeys(set(tried) & set(bad), now)
        reads |= dict.fromkeys(set(tried) - set(bad), now)
    assert [day for day, at in reads.items() if at == NOW] == bad
