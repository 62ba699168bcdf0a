"""Names that the UI shows or that other modules refer to."""

from __future__ import annotations

import dagster as dg

OWNERS = ["team:signal-operations"]

#: Group of the daily backup.
BACKUP_GROUP = "signal_backups"
#: Group of the assets that watch the bucket as a whole.
BUCKET_GROUP = "bucket_watch"
#: A group of its own: materializing the whole backup group must not start a drill.
DRILL_GROUP = "restore_drills"

SIGNALS_TABLE = dg.AssetKey("signals_table")
SIGNAL_EXTRACT = dg.AssetKey("signal_extract")
HASHED_CSV = dg.AssetKey("hashed_csv")
BACKUP_OBJECT = dg.AssetKey("backup_object")
#: The assets of one day, in the order in which they are made.
BACKUP_ASSETS = (SIGNAL_EXTRACT, HASHED_CSV, BACKUP_OBJECT)

UNDATED_SIGNALS = dg.AssetKey("undated_signals")

BUCKET_POLICY = dg.AssetKey("bucket_policy")
AUDIT_TRAIL = dg.AssetKey("audit_trail")
RESTORE_DRILL = dg.AssetKey("restore_drill")
RETENTION_AUDIT = dg.AssetKey("retention_audit")
STORAGE_COST = dg.AssetKey("storage_cost")
ROLLING_RECONCILIATION = dg.AssetKey("rolling_reconciliation")
SCRUB = dg.AssetKey("scrub")
STORE_PROBES = dg.AssetKey("store_probes")

#: The op that makes the backup assets.
DAILY_BACKUP = "daily_backup"
DAILY_BACKUP_JOB = "daily_backup_job"
DAILY_BACKUP_SCHEDULE = "daily_backup_schedule"

ALERT_SENSOR = "alert_sensor"
LATE_ROWS_SENSOR = "late_rows_sensor"
STALE_PARTITION_SENSOR = "stale_partition_sensor"


def job_name(asset: dg.AssetKey) -> str:
    """Name of the job that materializes a watching asset."""
    return f"{asset.to_python_identifier()}_job"


#: The assets without partitions.
WATCHING_ASSETS = (
    UNDATED_SIGNALS,
    BUCKET_POLICY,
    AUDIT_TRAIL,
    RESTORE_DRILL,
    RETENTION_AUDIT,
    STORAGE_COST,
    ROLLING_RECONCILIATION,
    SCRUB,
    STORE_PROBES,
)
#: Every job.
JOBS = frozenset({DAILY_BACKUP_JOB, *(job_name(asset) for asset in WATCHING_ASSETS)})


def schedule_name(asset: dg.AssetKey) -> str:
    """Name of the schedule of a watching asset."""
    return f"{asset.to_python_identifier()}_schedule"
