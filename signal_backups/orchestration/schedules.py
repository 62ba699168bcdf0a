"""When backups run by themselves.

What belongs here: ticks and what they ask for. What does not: what a backup does.
"""

from datetime import date, timedelta

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition

from signal_backups.core.days import BACKUP_TIME, LATE_WINDOW_DAYS, ONE_DAY
from signal_backups.orchestration.jobs import AssetJob

#: What ``build_schedule_from_partitioned_job`` returns; Dagster does not export the name of the unresolved one.
DailySchedule = UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition

_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"


def daily_backup_schedule(job: AssetJob) -> DailySchedule:
    """Backs up the day that just ended; the run key is the day, so that no tick does it twice."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="daily_backup_schedule",
        description="Backs up the UTC day that just ended.",
        hour_of_day=BACKUP_TIME.hour,
        minute_of_hour=BACKUP_TIME.minute,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def late_rows_schedule(job: AssetJob, start: date) -> dg.ScheduleDefinition:
    """Backs up the week before once more: rows that reached the database late become a new version of their day."""

    @dg.schedule(
        job=job,
        name="late_rows_schedule",
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Looks at the last {LATE_WINDOW_DAYS} days again; days without late rows stay unchanged.",
    )
    def late_rows(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        last = context.scheduled_execution_time.date() - ONE_DAY
        first = max(start, last - timedelta(days=LATE_WINDOW_DAYS - 1))
        if first > last:
            return dg.SkipReason(f"the first day to back up, {start}, has not ended yet")
        return dg.RunRequest(run_key=f"late-rows-{last}", tags=range_tags(first, last))

    return late_rows


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run cover a range of days, both included."""
    return {_RANGE_START: first.isoformat(), _RANGE_END: last.isoformat()}
