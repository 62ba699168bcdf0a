"""Answers of asset checks as Dagster's instance stores them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status


@dataclass(frozen=True)
class StoredAnswer:
    """One answer of a check.

    Attributes:
        passed: whether the check passed.
        is_error: whether a failure is an error; it is a warning otherwise.
        description: the answer in words.
        partition: the partition that it is about; None: the asset as a whole.
        run_id: the run that gave it.
        at: when (UTC).
    """

    passed: bool
    is_error: bool
    description: str
    partition: str | None
    run_id: str
    at: datetime


def last_answer(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> StoredAnswer | None:
    """The last answer of a check; None: it has not answered yet."""
    records = instance.event_log_storage.get_asset_check_execution_history(
        check, limit=1, status={Status.SUCCEEDED, Status.FAILED}
    )
    return _answer(records[0]) if records else None


def failures(instance: dg.DagsterInstance, check: dg.AssetCheckKey, limit: int) -> list[StoredAnswer]:
    """The newest answers of a check that did not pass, the newest first."""
    records = instance.event_log_storage.get_asset_check_execution_history(check, limit=limit, status={Status.FAILED})
    return [answer for record in records if (answer := _answer(record)) is not None]


def failing_partitions(instance: dg.DagsterInstance, check: dg.AssetCheckKey, partitions: Collection[str]) -> set[str]:
    """Of some partitions, those whose last answer did not pass."""
    if not partitions:
        return set()
    infos = instance.event_log_storage.get_asset_check_partition_info([check], partition_keys=sorted(partitions))
    return {
        info.partition_key for info in infos if info.partition_key and info.latest_execution_status is Status.FAILED
    }


def _answer(record: AssetCheckExecutionRecord) -> StoredAnswer | None:
    evaluation = record.evaluation
    if evaluation is None:
        return None
    return StoredAnswer(
        passed=record.status is Status.SUCCEEDED,
        is_error=evaluation.severity is dg.AssetCheckSeverity.ERROR,
        description=evaluation.description or "",
        partition=record.partition,
        run_id=record.run_id,
        at=datetime.fromtimestamp(record.create_timestamp, UTC),
    )
