"""UTC days, and how people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from signal_backups.core.base.days import days_between, last_complete_day, parse_day, require_complete, start_of
from signal_backups.core.base.errors import ExitCode, SettingsError

LATE = datetime(2026, 11, 2, 1, 30, tzinfo=timezone(timedelta(hours=2)))


def late() -> datetime:
    """23:30 UTC on the first, when the second has begun further east."""
    return LATE


def test_a_day_is_read_as_written() -> None:
    assert parse_day(" 2026-11-01 ") == date(2026, 11, 1)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-13-01", "01.11.2026", "20261101", "2026-11-01T00"]
)
def test_another_date_is_a_usage_error_that_shows_how(text: str) -> None:
    with pytest.raises(SettingsError, match="YYYY-MM-DD") as raised:
        parse_day(text)
    assert repr(text) in str(raised.value)
    assert raised.value.exit_code == ExitCode.USAGE == 2


def test_the_last_complete_day_is_yesterday_in_utc() -> None:
    assert last_complete_day(late) == date(2026, 10, 31)


def test_yesterday_can_be_backed_up() -> None:
    assert require_complete(date(2026, 10, 31), late) == date(2026, 10, 31)


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 11, 2), date(2030, 1, 1)])
def test_today_and_the_future_cannot(day: date) -> None:
    with pytest.raises(SettingsError, match="2026-10-31") as raised:
        require_complete(day, late)
    assert raised.value.exit_code == ExitCode.USAGE


def test_days_between_holds_both_ends() -> None:
    assert list(days_between(date(2024, 2, 28), date(2024, 3, 1))) == [
        date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)
    ]  # fmt: skip
    assert list(days_between(date(2026, 1, 2), date(2026, 1, 1))) == []


def test_a_day_begins_at_midnight_utc() -> None:
    assert start_of(date(2026, 11, 1)) == datetime(2026, 11, 1, tzinfo=UTC)
