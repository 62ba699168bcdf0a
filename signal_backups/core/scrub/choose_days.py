"""Which days a night reads: those that were read longest ago, as many as it takes to read all of them in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.base.objectives import BYTES_PER_DAY_READ, SCRUB_SHARE


def days_to_read(reads: Mapping[date, datetime], sizes: Mapping[date, int], within: timedelta) -> list[date]:
    """The days of a night, the one that was read longest ago first.

    A night reads an equal part of everything, in bytes and requests together, and at most one day more.

    Args:
        reads: when each day was last read (UTC).
        sizes: what is stored of each of these days, bytes.
        within: the time within which everything is to be read.
    """
    nights = max(1, int(within / ONE_DAY * SCRUB_SHARE))
    effort = {day: sizes[day] + BYTES_PER_DAY_READ for day in reads}
    left = sum(effort.values()) / nights
    chosen = []
    for day in sorted(reads, key=lambda day: (reads[day], day)):
        if left <= 0:
            break
        chosen.append(day)
        left -= effort[day]
    return chosen
