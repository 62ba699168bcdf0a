"""Simulated time (UTC), and how S3 rounds it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

ONE_DAY = timedelta(days=1)


class SimulatedClock:
    """A clock that stands still until it is moved; called, it returns the present instant (UTC)."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move by a duration."""
        self.set(self._now + by)

    def set(self, now: datetime) -> None:
        """Move to an instant.

        Raises:
            ValueError: the instant has passed.
        """
        if now < self._now:
            raise ValueError(f"time does not go back from {self._now} to {now}")
        self._now = now.astimezone(UTC)


def round_up_to_midnight(instant: datetime) -> datetime:
    """The first midnight (UTC) that is not before the instant."""
    midnight = datetime.combine(instant.date(), time(0), tzinfo=UTC)
    return midnight if midnight == instant else midnight + ONE_DAY


def http_date(instant: datetime) -> str:
    """``Fri, 21 Dec 2012 00:00:00 GMT``, as HTTP headers have it."""
    return instant.strftime("%a, %d %b %Y %H:%M:%S GMT")
