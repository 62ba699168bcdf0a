"""What the project uses of Dagster beyond its documented interface; an upgrade that moves it fails here first."""

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from signal_backups.orchestration.partitions import range_tags
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number


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
