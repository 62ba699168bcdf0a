"""The one partitions definition all assets and checks share: UTC days from the start date on."""

from __future__ import annotations

from datetime import date

import dagster as dg

#: Days per run of a UI backfill: a failed run is cheap to repeat, and a year takes a dozen runs.
BACKFILL_DAYS_PER_RUN = 31


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """UTC days from ``start`` to yesterday."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC")
