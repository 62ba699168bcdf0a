"""UTC days: what a backup's day is, when it is backed up, and how people write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from signal_backups.core.base.errors import SettingsError

#: When the daily backup runs (UTC), on the day after the one that it backs up. Part of every key.
BACKUP_TIME = time(2, 0, 0)

#: How many days are checked again every day, for signals that reached the database late.
LATE_WINDOW_DAYS = 7

ONE_DAY = timedelta(days=1)

#: Returns the present instant, in UTC.
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """What this machine's clock says (UTC); tests put another clock in its place."""
    return datetime.now(UTC)


def utc_now() -> datetime:
    """The present instant, UTC."""
    return system_clock()


def start_of(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(0), tzinfo=UTC)


def next_midnight(instant: datetime) -> datetime:
    """The instant itself when it is a UTC midnight, else the midnight that follows it."""
    midnight = start_of(instant.date())
    return midnight if midnight == instant else midnight + ONE_DAY


def years_after(instant: datetime, years: int) -> datetime:
    """The same date and time some calendar years later; 1 March for a 29 February that the year does not have."""
    try:
        return instant.replace(year=instant.year + years)
    except ValueError:
        return instant.replace(year=instant.year + years, month=3, day=1)


def last_complete_day(clock: Clock = utc_now) -> date:
    """The UTC day that ended last: yesterday."""
    return clock().astimezone(UTC).date() - ONE_DAY


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from ``first`` to ``last``, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def parse_day(text: str) -> date:
    """Read ``YYYY-MM-DD``.

    Raises:
        SettingsError: the text is not a calendar date in that form.
    """
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise SettingsError(
            f"{text!r} is not a date", remedy="Write it as YYYY-MM-DD, for example 2026-11-01"
        ) from error


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant, ``2026-11-01T12:00Z``; without an offset it is UTC.

    Raises:
        SettingsError: the text is not an instant in that form.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(
            f"{text!r} is not an instant", remedy="Write it as 2026-11-01T12:00Z (UTC, or with an offset)"
        ) from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def require_complete(day: date, clock: Clock = utc_now) -> date:
    """Return ``day`` if it has ended.

    Raises:
        SettingsError: the day is today or in the future, so its signals are not all there yet.
    """
    newest = last_complete_day(clock)
    if day > newest:
        raise SettingsError(
            f"{day} has not ended yet (UTC)", remedy=f"The newest day that can be backed up is {newest}"
        )
    return day


def oldest_kept_day(now: datetime, years: int) -> date:
    """The oldest day (UTC) whose backup must still be kept today; a backup is stored on the day after its own."""
    today = now.date()
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        # Today is 29 February: what was stored on 1 March of that year must be kept until tomorrow; it holds the 28th.
        return today.replace(year=today.year - years, day=28)
