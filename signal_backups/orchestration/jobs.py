"""The job a person or a schedule launches."""

from __future__ import annotations

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from signal_backups.orchestration.assets import CHAIN

#: What ``define_asset_job`` returns; Dagster does not export the name.
AssetJob = UnresolvedAssetJobDefinition

DAILY_BACKUP_JOB = "daily_backup_job"


def daily_backup_job() -> AssetJob:
    """The whole chain with its checks, for one day or a range of days."""
    return dg.define_asset_job(
        DAILY_BACKUP_JOB,
        selection=dg.AssetSelection.assets(*CHAIN),
        description="Back up the signals of a UTC day: extract, hash, store, read back, verify.",
    )
