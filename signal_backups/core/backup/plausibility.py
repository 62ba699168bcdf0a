"""Whether a day's number of rows, good and bad, is plausible, compared with the same weekday in earlier weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

#: How many earlier weeks are compared; only the same weekday, because markets have a weekly rhythm.
WEEKS_BACK = 8
#: With fewer earlier days than this, every count is plausible.
MIN_WEEKS = 3
#: A count is implausible below the median times this share, or above the median divided by it.
LOW_SHARE = 0.5


@dataclass(frozen=True)
class CountPlausibility:
    """Whether a count is plausible, and why.

    Attributes:
        plausible: whether it is.
        reason: why, for people.
        median: the median of the earlier days; None when there are none.
        earlier_days: how many earlier days were compared.
        lost_all: the day is empty now, although its stored backup has rows.
    """

    plausible: bool
    reason: str
    median: float | None
    earlier_days: int
    lost_all: bool = False


def check_count(day: date, rows: int, counts: Mapping[date, int]) -> CountPlausibility:
    """Compare a day's number of rows with its stored backup and with the median of the same weekday.

    Args:
        day: the day.
        rows: how many rows it has now, good and bad.
        counts: the same of days already backed up, including the day itself if it was.
    """
    before = [counts[past] for past in trailing_weekdays(day) if past in counts]
    usual = float(median(before)) if before else None
    stored = counts.get(day)
    if stored is not None and rows < stored:
        reason = f"{stored - rows} rows fewer than at its last backup"
        return CountPlausibility(False, reason, usual, len(before), lost_all=not rows)
    if usual is None or len(before) < MIN_WEEKS:
        return CountPlausibility(True, f"only {len(before)} earlier {day:%A}s to compare with", usual, len(before))
    low, high = usual * LOW_SHARE, usual / LOW_SHARE
    plausible = low <= rows <= high
    return CountPlausibility(
        plausible, f"{rows} rows, {day:%A}s have {usual:g} (accepted: {low:g} to {high:g})", usual, len(before)
    )


def trailing_weekdays(day: date) -> list[date]:
    """The same weekday in the weeks before, newest first."""
    return [day - timedelta(weeks=week) for week in range(1, WEEKS_BACK + 1)]
