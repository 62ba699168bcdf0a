"""One day for the whole run: no test notices that midnight (UTC) passes while it runs.

The product reads the present instant in one place, ``days.system_clock``. The tests put a clock there that runs as
always, but slows down in the last minute of the day on which the run began, and never comes to its end. So all dates
that derive from "now", in a test, in its fixtures and in the product, are those of one day.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signal_backups.core.base import days

# Processes that the run starts share its day.
_VARIABLE = "TESTS_CLOCK"
_SLOW = timedelta(minutes=1)


@dataclass(frozen=True)
class OneDay:
    """The clock of a run."""

    began: datetime
    #: How far it is ahead of the machine's clock.
    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """The present instant, UTC."""
        return within_day(datetime.now(UTC) + self.ahead, self.began)

    def __str__(self) -> str:
        return f"{self.began.isoformat()} {self.ahead.total_seconds()}"


def within_day(now: datetime, began: datetime) -> datetime:
    """An instant, held back so that it stays in the UTC day of ``began``; a later one still is later."""
    end = days.start_of(began.date()) + days.ONE_DAY
    past = now - (end - _SLOW)
    # Half of the last minute takes a minute, two thirds of it two, three quarters three.
    return now if past <= timedelta(0) else end - _SLOW * (_SLOW / (_SLOW + past))


def start_clock(begin_at: str | None = None) -> None:
    """Give the product the clock of this run.

    Args:
        begin_at: act as if the run began at this instant (ISO 8601); only the product's clock is moved.
    """
    now = datetime.now(UTC)
    began = days.parse_instant(begin_at) if begin_at else now
    follow_clock(os.environ.setdefault(_VARIABLE, str(OneDay(began, began - now))))


def follow_clock(text: str) -> None:
    """Give the product the clock of the run that started this process; ``text`` is what ``str`` made of it."""
    began, ahead = text.split()
    days.system_clock = OneDay(datetime.fromisoformat(began), timedelta(seconds=float(ahead)))


def in_other_process() -> str:
    """Python by which another process follows the clock of this run."""
    return f"from signal_backups_tests.clock import follow_clock; follow_clock({os.environ[_VARIABLE]!r})"
