"""The status of each day of ``backup_object``: what ``core.monitoring.repair_plan`` decides upon."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

import dagster as dg
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from signal_backups.core.monitoring.repair_plan import DagsterDays
from signal_backups.orchestration.instance.run_life import StuckRun, days_of_other_runs
from signal_backups.orchestration.names import BACKUP_OBJECT


def dagster_days(
    instance: dg.DagsterInstance,
    partitions: dg.PartitionsDefinition,
    days: Iterable[date],
    stuck: Collection[StuckRun] = (),
) -> DagsterDays:
    """Which of some days failed, and which are in progress: in a run, in a queued run, or still to come in a backfill.

    A day in progress in one of the stuck runs alone counts as failed.
    Dagster's freshness policies do not help here: they count from the newest materialization of any day.
    """
    keys = [day.isoformat() for day in days]
    statuses = instance.get_status_by_partition(BACKUP_OBJECT, keys, partitions) or {}

    def in_status(wanted: AssetPartitionStatus) -> set[date]:
        return {date.fromisoformat(key) for key, status in statuses.items() if status is wanted}

    in_progress = in_status(AssetPartitionStatus.IN_PROGRESS)
    silent = in_progress & _of_stuck_runs_alone(instance, stuck)
    return DagsterDays(
        failed=in_status(AssetPartitionStatus.FAILED) | silent,
        in_progress=(in_progress - silent) | set(_backfilled(instance)),
    )


def _of_stuck_runs_alone(instance: dg.DagsterInstance, stuck: Collection[StuckRun]) -> set[date]:
    if not stuck:
        return set()
    return {day for run in stuck for day in run.days} - days_of_other_runs(instance, stuck)


def _backfilled(instance: dg.DagsterInstance) -> Iterator[date]:
    """The days of unfinished backfills, whose runs may not exist yet."""
    for backfill in instance.get_backfills(filters=BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])):
        data = backfill.asset_backfill_data
        if data is not None and BACKUP_OBJECT in data.target_subset.asset_keys:
            for key in data.target_subset.get_partitions_subset(BACKUP_OBJECT).get_partition_keys():
                yield date.fromisoformat(key)
