"""Events for one partition of a run that may cover many: the only module that knows how Dagster wants them.

A range run records a returned result once for the whole range. Yielding the events themselves gives every
partition its own materialization, data version and check results, as they happen, in single and range runs alike.
``AssetCheckEvaluation`` is exported but not documented, its target class is not exported: a test pins both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import DATA_VERSION_TAG

from signal_backups.orchestration.assets.daily_backup_checks import Verdict


def materialization(
    asset: dg.AssetKey, day: date, metadata: Mapping[str, Any], data_version: str
) -> dg.AssetMaterialization:
    """One partition of an asset, made; ``data_version`` is what Dagster compares to tell a change."""
    return dg.AssetMaterialization(
        asset_key=asset, partition=day.isoformat(), metadata=metadata, tags={DATA_VERSION_TAG: data_version}
    )


def evaluations(
    instance: dg.DagsterInstance, verdicts: Sequence[Verdict], day: date
) -> Iterator[dg.AssetCheckEvaluation]:
    """One partition of some checks, answered, each pointing at the materialization it speaks of."""
    targets = {asset: _target(instance, asset, day) for asset in {verdict.key.asset_key for verdict in verdicts}}
    for verdict in verdicts:
        yield dg.AssetCheckEvaluation(
            asset_key=verdict.key.asset_key,
            check_name=verdict.key.name,
            passed=verdict.passed,
            metadata=verdict.metadata,
            target_materialization_data=targets[verdict.key.asset_key],
            severity=verdict.severity,
            description=verdict.description,
            blocking=verdict.blocking,
            partition=day.isoformat(),
        )


def materialized_in_run(instance: dg.DagsterInstance, asset: dg.AssetKey, days: list[date], run_id: str) -> set[date]:
    """Days of an asset that a run has already made: what a retry need not do again."""
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
