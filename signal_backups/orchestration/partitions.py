"""The partitions of the backup assets and their checks: UTC days from the start date on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

from signal_backups.core.base.days import days_between

_PARTITION = "dagster/partition"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"

#: Days per run of a UI backfill: a failed run is cheap to repeat, and a year takes a dozen runs.
BACKFILL_DAYS_PER_RUN = 31


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from ``start`` to yesterday."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run cover a range of days, both included."""
    return {_RANGE_START: first.isoformat(), _RANGE_END: last.isoformat()}


def days_of_tags(tags: Mapping[str, str]) -> frozenset[date]:
    """The days that a run with these tags covers; none when it covers no partition."""
    if _PARTITION in tags:
        return frozenset({date.fromisoformat(tags[_PARTITION])})
    if _RANGE_START in tags and _RANGE_END in tags:
        return frozenset(days_between(date.fromisoformat(tags[_RANGE_START]), date.fromisoformat(tags[_RANGE_END])))
    return frozenset()
