"""Is a day's number of records plausible, given the same weekday in the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

#: Same weekdays looked back on; markets have weekly rhythms, so other weekdays say little.
WEEKS_BACK = 8
#: Fewer earlier days than this say nothing.
MIN_WEEKS = 3
#: A count is implausible below this share of the median, or above its inverse.
LOW_SHARE = 0.5


@dataclass(frozen=True)
class CountJudgement:
    """Whether a count is plausible, and the words and numbers that say why.

    ``lost_all``: nothing is left of what the backup stored before.
    """

    plausible: bool
    reason: str
    median: float | None
    earlier_days: int
    lost_all: bool = False


def judge_count(day: date, records: int, counts: Mapping[date, int]) -> CountJudgement:
    """Compare a day's records with the trailing same-weekday median.

    Args:
        day: the day.
        records: how many records it has now.
        counts: records of days already backed up, the day itself included if it was.
    """
    before = [counts[past] for past in trailing_weekdays(day) if past in counts]
    usual = float(median(before)) if before else None
    stored = counts.get(day)
    if stored is not None and records < stored:
        reason = f"{stored - records} fewer than the backup stored before"
        return CountJudgement(False, reason, usual, len(before), lost_all=not records)
    if usual is None or len(before) < MIN_WEEKS:
        return CountJudgement(True, f"only {len(before)} earlier {day:%A}s to compare with", usual, len(before))
    low, high = usual * LOW_SHARE, usual / LOW_SHARE
    plausible = low <= records <= high
    return CountJudgement(
        plausible, f"{records} records, {day:%A}s have {usual:g} (accepted: {low:g} to {high:g})", usual, len(before)
    )


def trailing_weekdays(day: date) -> list[date]:
    """The same weekday in the weeks before, newest first."""
    return [day - timedelta(weeks=week) for week in range(1, WEEKS_BACK + 1)]
