"""Materializations and check results of single days in a run that may cover many.

Dagster records a returned result once for the whole range of a run. Yielding the events instead gives every day its
own materialization, data version and check results. ``AssetCheckEvaluation`` is exported but not documented, and the
class of its target is not exported; a test pins both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from signal_backups.orchestration.assets.daily_backup_checks import CheckAnswer


def materialization(
    asset: dg.AssetKey, day: date, metadata: Mapping[str, Any], data_version: str
) -> dg.AssetMaterialization:
    """One day of an asset. Dagster takes the day as changed when ``data_version`` differs from the last one."""
    return dg.AssetMaterialization(
        asset_key=asset, partition=day.isoformat(), metadata=metadata, tags={DATA_VERSION_TAG: data_version}
    )


def evaluations(
    instance: dg.DagsterInstance, answers: Sequence[CheckAnswer], day: date
) -> Iterator[dg.AssetCheckEvaluation]:
    """The answers for one day, each linked to the materialization that it is about."""
    targets = {asset: _target(instance, asset, day) for asset in {answer.key.asset_key for answer in answers}}
    for answer in answers:
        yield dg.AssetCheckEvaluation(
            asset_key=answer.key.asset_key,
            check_name=answer.key.name,
            passed=answer.passed,
            metadata=answer.metadata,
            target_materialization_data=targets[answer.key.asset_key],
            severity=answer.severity,
            description=answer.description,
            blocking=answer.blocking,
            partition=day.isoformat(),
        )


def materialized_in_run(instance: dg.DagsterInstance, asset: dg.AssetKey, days: list[date], run_id: str) -> set[date]:
    """The days of an asset that a run has already materialized, so that a retry can leave them out."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[day.isoformat() for day in days]), limit=len(days)
    ).records
    return {
        date.fromisoformat(record.partition_key)
        for record in records
        if record.run_id == run_id and record.partition_key
    }


def _target(
    instance: dg.DagsterInstance, asset: dg.AssetKey, day: date
) -> AssetCheckEvaluationTargetMaterializationData | None:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[day.isoformat()]), limit=1
    ).records
    if not records:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=records[0].storage_id, run_id=records[0].run_id, timestamp=records[0].timestamp
    )
