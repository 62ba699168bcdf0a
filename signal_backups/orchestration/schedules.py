"""When backups run by themselves.

What belongs here: ticks and what they ask for. What does not: what a backup does.
"""

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition

from signal_backups.core.base.days import BACKUP_TIME
from signal_backups.orchestration.jobs import AssetJob

#: What ``build_schedule_from_partitioned_job`` returns; Dagster does not export the name of the unresolved one.
DailySchedule = UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition


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


def restore_drill_schedule(job: AssetJob) -> dg.ScheduleDefinition:
    """Holds a restore drill every Sunday."""
    return _schedule(
        job,
        "restore_drill_schedule",
        "0 3 * * 0",
        "Restores the last week and an older day of each storage class, and measures the RTO.",
    )


def bucket_policy_schedule(job: AssetJob) -> dg.ScheduleDefinition:
    """Looks at the bucket's set-up every day, after the backup."""
    return _schedule(
        job, "bucket_policy_schedule", "30 2 * * *", "Holds the bucket's set-up against the retention profile."
    )


def audit_trail_schedule(job: AssetJob) -> dg.ScheduleDefinition:
    """Examines the audit trail every day, after the backup."""
    return _schedule(job, "audit_trail_schedule", "45 2 * * *", "Examines the audit trail and anchors it.")


def retention_audit_schedule(job: AssetJob) -> dg.ScheduleDefinition:
    """Audits the retention on the first of every month."""
    return _schedule(job, "retention_audit_schedule", "0 4 1 * *", "Looks at every day of the retention window.")


def storage_cost_schedule(job: AssetJob) -> dg.ScheduleDefinition:
    """Reckons the cost every day: bills change slowly, but an exceeded quota must not wait for the end of a month."""
    return _schedule(job, "storage_cost_schedule", "30 4 * * *", "Reckons the cost, and whether the quota holds.")


def _schedule(job: AssetJob, name: str, cron: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        job=job,
        name=name,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
