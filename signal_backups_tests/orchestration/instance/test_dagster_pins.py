"""What the project uses of Dagster beyond its documented interface; an upgrade that moves it fails here first."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

import signal_backups
from signal_backups.orchestration.instance.dagster_types import AssetJob, PartitionedSchedule
from signal_backups.orchestration.jobs import daily_backup_job
from signal_backups.orchestration.partitions import days_of_tags, range_tags
from signal_backups.orchestration.schedules import daily_backup_schedule
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number

#: Every private name, by its module, with the members that are used.
PRIVATE_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "dagster._core.definitions.asset_checks.asset_check_evaluation": {
        "AssetCheckEvaluationTargetMaterializationData": ("storage_id", "run_id", "timestamp")
    },
    "dagster._core.definitions.data_version": {"DATA_VERSION_TAG": ()},
    "dagster._core.definitions.partitions.partitioned_schedule": {"UnresolvedPartitionedAssetScheduleDefinition": ()},
    "dagster._core.definitions.run_request": {"InstigatorType": ("SCHEDULE", "SENSOR")},
    "dagster._core.definitions.unresolved_asset_job_definition": {"UnresolvedAssetJobDefinition": ()},
    "dagster._core.execution.backfill": {"BulkActionsFilter": ("statuses",), "BulkActionStatus": ("REQUESTED",)},
    "dagster._core.scheduler.instigation": {
        "InstigatorState": ("instigator_name", "instigator_origin_id", "selector_id", "status", "instigator_data"),
        "InstigatorStatus": ("STOPPED",),
        "InstigatorTick": ("timestamp", "status", "error"),
        "ScheduleInstigatorData": ("start_timestamp",),
        "TickStatus": ("SUCCESS", "SKIPPED", "FAILURE"),
    },
    "dagster._core.storage.asset_check_execution_record": {
        "AssetCheckExecutionRecord": ("status", "evaluation", "partition", "run_id", "create_timestamp"),
        "AssetCheckExecutionRecordStatus": ("SUCCEEDED", "FAILED"),
    },
    "dagster._core.storage.partition_status_cache": {"AssetPartitionStatus": ("FAILED", "IN_PROGRESS")},
    "dagster._utils.schedules": {"schedule_execution_time_iterator": ()},
}


def private_names_in_use() -> set[tuple[str, str]]:
    """Every private name of Dagster that the product imports, with its module."""
    texts = [file.read_text(encoding="utf-8") for file in Path(signal_backups.__file__).parent.rglob("*.py")]
    nodes = [node for text in texts if "dagster._" in text for node in ast.walk(ast.parse(text))]
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and str(node.module).startswith("dagster._")]
    return {(str(node.module), alias.name) for node in imports for alias in node.names}


def test_every_private_name_in_use_is_pinned_here() -> None:
    assert private_names_in_use() == {(module, name) for module, names in PRIVATE_NAMES.items() for name in names}


@pytest.mark.parametrize("module", PRIVATE_NAMES)
def test_a_private_name_is_where_it_was_and_has_the_members_in_use(module: str) -> None:
    for name, members in PRIVATE_NAMES[module].items():
        found = getattr(import_module(module), name)
        known = {*dir(found), *getattr(found, "__annotations__", {})}
        assert set(members) <= known, name


def test_what_dagster_returns_has_the_types_that_it_does_not_export() -> None:
    job = daily_backup_job()
    assert isinstance(job, AssetJob)
    assert isinstance(daily_backup_schedule(job), PartitionedSchedule)


def test_a_check_evaluation_has_the_fields_that_are_set() -> None:
    target = AssetCheckEvaluationTargetMaterializationData(storage_id=7, run_id="run", timestamp=1.5)
    fields = {
        "asset_key": dg.AssetKey("asset"),
        "check_name": "check",
        "passed": False,
        "metadata": {"rows": dg.IntMetadataValue(3)},
        "target_materialization_data": target,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": "words",
        "blocking": True,
        "partition": "2024-01-01",
    }
    evaluation = dg.AssetCheckEvaluation(**fields)
    assert {name: getattr(evaluation, name) for name in fields} == fields


def test_the_target_of_a_check_evaluation_has_the_fields_that_are_set() -> None:
    target = AssetCheckEvaluationTargetMaterializationData(storage_id=7, run_id="run", timestamp=1.5)
    assert (target.storage_id, target.run_id, target.timestamp) == (7, "run", 1.5)


def test_the_tag_of_a_data_version_is_the_one_that_dagster_reads() -> None:
    assert DATA_VERSION_TAG == "dagster/data_version"


def test_the_tags_of_a_range_are_the_ones_that_dagster_reads() -> None:
    assert range_tags(FIRST_DAY, day_number(2)) == {
        ASSET_PARTITION_RANGE_START_TAG: "2024-01-01",
        ASSET_PARTITION_RANGE_END_TAG: "2024-01-03",
    }
    assert days_of_tags(range_tags(FIRST_DAY, day_number(1))) == {FIRST_DAY, day_number(1)}
    assert days_of_tags({PARTITION_NAME_TAG: "2024-01-01"}) == {FIRST_DAY}
    assert days_of_tags({}) == set()
