"""The jobs a person, a schedule or a sensor launches."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from signal_backups.orchestration.names import (
    AUDIT_TRAIL,
    BUCKET_POLICY,
    CHAIN,
    RESTORE_DRILL,
    RETENTION_AUDIT,
    STORAGE_COST,
)

#: What ``define_asset_job`` returns; Dagster does not export the name.
AssetJob = UnresolvedAssetJobDefinition

DAILY_BACKUP_JOB = "daily_backup_job"
BUCKET_POLICY_JOB = "bucket_policy_job"
AUDIT_TRAIL_JOB = "audit_trail_job"
RETENTION_AUDIT_JOB = "retention_audit_job"
STORAGE_COST_JOB = "storage_cost_job"
RESTORE_DRILL_JOB = "restore_drill_job"


def daily_backup_job() -> AssetJob:
    """The whole chain with its checks, for one day or a range of days."""
    return dg.define_asset_job(
        DAILY_BACKUP_JOB,
        selection=dg.AssetSelection.assets(*CHAIN),
        description="Back up the signals of a UTC day: extract, hash, store, read back, verify.",
    )


def bucket_policy_job() -> AssetJob:
    """One look at the bucket's set-up."""
    return _job(BUCKET_POLICY_JOB, BUCKET_POLICY, "Hold the bucket's set-up against the retention profile.")


def audit_trail_job() -> AssetJob:
    """One examination of the audit trail."""
    return _job(AUDIT_TRAIL_JOB, AUDIT_TRAIL, "Examine the audit trail and the chain of manifests, and anchor both.")


def retention_audit_job() -> AssetJob:
    """One retention audit."""
    return _job(RETENTION_AUDIT_JOB, RETENTION_AUDIT, "Look at every day of the retention window and keep the report.")


def storage_cost_job() -> AssetJob:
    """One reckoning of the cost."""
    return _job(STORAGE_COST_JOB, STORAGE_COST, "Reckon what the backups cost, now and over seven years.")


def restore_drill_job() -> AssetJob:
    """One restore drill with its checks."""
    return _job(
        RESTORE_DRILL_JOB,
        RESTORE_DRILL,
        "Restore some days into a scratch database, verify them and compare them with the live source.",
    )


def _job(name: str, asset: dg.AssetKey, description: str) -> AssetJob:
    return dg.define_asset_job(name, selection=dg.AssetSelection.assets(asset), description=description)
