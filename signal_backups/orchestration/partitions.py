"""The partitions of the backup assets and their checks: UTC days from the start date on."""

from __future__ import annotations

from datetime import date

import dagster as dg

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
