"""The schedule of the daily backup. Each watching asset has a schedule of its own (``assets.watching``)."""

from __future__ import annotations

import dagster as dg

from signal_backups.core.base.days import BACKUP_TIME
from signal_backups.orchestration.instance.dagster_types import AssetJob, PartitionedSchedule
from signal_backups.orchestration.names import DAILY_BACKUP_SCHEDULE


def daily_backup_schedule(job: AssetJob) -> PartitionedSchedule:
    """Backs up the day that just ended; the run key is the day, so that no day is backed up twice."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name=DAILY_BACKUP_SCHEDULE,
        description="Backs up the UTC day that just ended.",
        hour_of_day=BACKUP_TIME.hour,
        minute_of_hour=BACKUP_TIME.minute,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
