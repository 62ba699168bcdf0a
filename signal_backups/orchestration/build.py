"""Putting the Dagster definitions together, with room for tests to swap parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.config.settings import load_settings
from signal_backups.orchestration.assets.audit_trail import audit_trail
from signal_backups.orchestration.assets.bucket_policy import bucket_policy
from signal_backups.orchestration.assets.daily_backup import backup_assets, signals_table
from signal_backups.orchestration.assets.previews import known_previews
from signal_backups.orchestration.assets.restore_drill import restore_drill
from signal_backups.orchestration.assets.retention_audit import retention_audit
from signal_backups.orchestration.assets.storage_cost import storage_cost
from signal_backups.orchestration.jobs import (
    audit_trail_job,
    bucket_policy_job,
    daily_backup_job,
    restore_drill_job,
    retention_audit_job,
    storage_cost_job,
)
from signal_backups.orchestration.partitions import daily_partitions
from signal_backups.orchestration.resources import BackupStore, SignalsDatabase
from signal_backups.orchestration.schedules import (
    audit_trail_schedule,
    bucket_policy_schedule,
    daily_backup_schedule,
    restore_drill_schedule,
    retention_audit_schedule,
    storage_cost_schedule,
)
from signal_backups.orchestration.sensors.alerts import alert_sensor
from signal_backups.orchestration.sensors.late_rows import late_rows_sensor
from signal_backups.orchestration.sensors.stale_partitions import stale_partition_sensor

#: For store and database troubles that pass: 20 s, 40 s, 80 s.
RETRY_POLICY = dg.RetryPolicy(max_retries=3, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def build_defs(
    *,
    resource_overrides: Mapping[str, Any] | None = None,
    retry_policy: dg.RetryPolicy | None = RETRY_POLICY,
    clock: Clock = utc_now,
) -> dg.Definitions:
    """All definitions; needs no network, database or bucket.

    Args:
        resource_overrides: resources to use instead of those that follow the settings.
        retry_policy: when to try a failed run's transient troubles again; None never does.
        clock: the present (UTC) for the sensors that watch.
    """
    start = load_settings().start_date
    backup_job, drill_job = daily_backup_job(), restore_drill_job()
    policy_job, trail_job = bucket_policy_job(), audit_trail_job()
    audit_job, cost_job = retention_audit_job(), storage_cost_job()
    with known_previews():
        chain = backup_assets(daily_partitions(start), retry_policy)
    return dg.Definitions(
        assets=[signals_table(), chain, restore_drill, bucket_policy, audit_trail, retention_audit, storage_cost],
        jobs=[backup_job, drill_job, policy_job, trail_job, audit_job, cost_job],
        schedules=[
            daily_backup_schedule(backup_job),
            restore_drill_schedule(drill_job),
            bucket_policy_schedule(policy_job),
            audit_trail_schedule(trail_job),
            retention_audit_schedule(audit_job),
            storage_cost_schedule(cost_job),
        ],
        sensors=[late_rows_sensor(backup_job, start), stale_partition_sensor(backup_job, clock), alert_sensor(clock)],
        resources={
            "signals_database": SignalsDatabase(),
            "backup_store": BackupStore(),
            **(resource_overrides or {}),
        },
        executor=dg.in_process_executor,
    )
