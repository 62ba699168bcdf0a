"""The job of the daily backup. Each watching asset has a job of its own (``assets.watching``)."""

from __future__ import annotations

import dagster as dg

from signal_backups.orchestration.instance.dagster_types import AssetJob
from signal_backups.orchestration.names import BACKUP_ASSETS, DAILY_BACKUP_JOB


def daily_backup_job() -> AssetJob:
    """The backup assets with their checks, for one day or a range of days."""
    return dg.define_asset_job(
        DAILY_BACKUP_JOB,
        selection=dg.AssetSelection.assets(*BACKUP_ASSETS),
        description="Back up the signals of a UTC day: extract, hash, store, read back, verify.",
    )
