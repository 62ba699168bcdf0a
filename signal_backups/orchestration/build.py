"""All Dagster definitions of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_aws.s3 import S3Resource

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.orchestration.assets.audit_trail import audit_trail
from signal_backups.orchestration.assets.bucket_policy import bucket_policy
from signal_backups.orchestration.assets.daily_backup import backup_assets, signals_table
from signal_backups.orchestration.assets.previews import known_previews
from signal_backups.orchestration.assets.restore_drill import restore_drill
from signal_backups.orchestration.assets.retention_audit import retention_audit
from signal_backups.orchestration.assets.rolling_reconciliation import rolling_reconciliation
from signal_backups.orchestration.assets.scrub import scrub_asset
from signal_backups.orchestration.assets.storage_cost import storage_cost
from signal_backups.orchestration.assets.store_probes import store_probes
from signal_backups.orchestration.assets.undated_signals import undated_signals
from signal_backups.orchestration.jobs import daily_backup_job
from signal_backups.orchestration.partitions import daily_partitions
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase
from signal_backups.orchestration.schedules import daily_backup_schedule
from signal_backups.orchestration.sensors.alerts import alert_sensor
from signal_backups.orchestration.sensors.late_rows import late_rows_sensor
from signal_backups.orchestration.sensors.stale_partitions import stale_partition_sensor

#: For errors of the store or the database that may pass: again after 20 s, 40 s and 80 s.
RETRY_POLICY = dg.RetryPolicy(max_retries=3, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

WATCHING_ASSETS = (
    undated_signals,
    restore_drill,
    bucket_policy,
    audit_trail,
    retention_audit,
    storage_cost,
    rolling_reconciliation,
    scrub_asset,
    store_probes,
)


def build_defs(
    *,
    resource_overrides: Mapping[str, Any] | None = None,
    retry_policy: dg.RetryPolicy | None = RETRY_POLICY,
    clock: Clock = utc_now,
) -> dg.Definitions:
    """All definitions; needs no network, database or bucket.

    Args:
        resource_overrides: resources to use instead of those that follow the settings. An own ``settings``, a
            ``SettingsSource``, is also what the other resources follow.
        retry_policy: when a run tries again after an error that may pass; None: never.
        clock: the present (UTC) for the sensors.

    Raises:
        SettingsError: a setting is malformed.
    """
    resources = _resources(resource_overrides or {})
    start = resources["settings"].load().start_date
    backup_job = daily_backup_job()
    with known_previews():
        daily_backup = backup_assets(daily_partitions(start), retry_policy)
    return dg.Definitions(
        assets=[signals_table(), daily_backup, *(watching.asset for watching in WATCHING_ASSETS)],
        jobs=[backup_job, *(watching.job for watching in WATCHING_ASSETS)],
        schedules=[daily_backup_schedule(backup_job), *(watching.schedule for watching in WATCHING_ASSETS)],
        sensors=[late_rows_sensor(backup_job, start), stale_partition_sensor(backup_job, clock), alert_sensor(clock)],
        resources=resources,
        executor=dg.in_process_executor,
    )


def _resources(overrides: Mapping[str, Any]) -> dict[str, Any]:
    settings = overrides.get("settings", SettingsSource())
    return {
        "settings": settings,
        "signals_database": SignalsDatabase(settings=settings),
        "backup_store": BackupStore(settings=settings, s3=S3Resource()),
        **overrides,
    }
