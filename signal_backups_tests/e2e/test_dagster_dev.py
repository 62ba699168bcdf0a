"""A backfill through a real Dagster with its daemon: what it shows of each day afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from signal_backups_tests.e2e.conftest import Deployment
from signal_backups_tests.orchestration.signals import day_number

# The daemon looks for backfills twice a minute.
pytestmark = pytest.mark.slow

ASSETS = ["signal_extract", "hashed_csv", "backup_object"]
GOOD_WEEK = [day_number(number).isoformat() for number in range(5)]
BAD_WEEK = [day_number(number).isoformat() for number in range(7, 12)]
BAD_DAY = day_number(9).isoformat()


@dataclass(frozen=True)
class Backfill:
    """A finished backfill and the runs it took."""

    status: str
    assets: list[dict[str, Any]]
    runs: list[dict[str, Any]]


@dataclass(frozen=True)
class Backfills:
    good: Backfill
    bad: Backfill


@pytest.fixture(scope="module")
def backfills(deployment: Deployment) -> Backfills:
    """Two backfills side by side: one week is good, of the other S3 refuses one day."""
    deployment.refused_keys.add(f"signals_backup_{BAD_DAY.replace('-', '')}_")
    started = [deployment.dagster.start_backfill(week) for week in (GOOD_WEEK, BAD_WEEK)]
    return Backfills(*(finished(deployment, backfill) for backfill in started))


def finished(deployment: Deployment, backfill: str) -> Backfill:
    found = deployment.dagster.finished_backfill(backfill)
    data = found["assetBackfillData"]["assetBackfillStatuses"]
    return Backfill(found["status"], data, deployment.dagster.runs_of(backfill))


def counts(backfill: Backfill) -> dict[str, tuple[int, int]]:
    """Materialized and failed partitions of each asset."""
    return {
        asset["assetKey"]["path"][0]: (asset["numPartitionsMaterialized"], asset["numPartitionsFailed"])
        for asset in backfill.assets
    }


def test_a_backfill_takes_one_run_for_all_its_days(backfills: Backfills) -> None:
    (run,) = backfills.good.runs
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        GOOD_WEEK[0],
        GOOD_WEEK[-1],
    )


def test_a_good_backfill_ends_in_success(backfills: Backfills) -> None:
    assert backfills.good.status == "COMPLETED_SUCCESS"
    assert [run["status"] for run in backfills.good.runs] == ["SUCCESS"]
    assert counts(backfills.good) == dict.fromkeys(ASSETS, (5, 0))


@pytest.mark.usefixtures("backfills")
@pytest.mark.parametrize("asset", ASSETS)
def test_every_day_of_a_good_backfill_is_materialized(deployment: Deployment, asset: str) -> None:
    assert deployment.dagster.partition_statuses(asset, GOOD_WEEK) == dict.fromkeys(GOOD_WEEK, "MATERIALIZED")


@pytest.mark.usefixtures("backfills")
@pytest.mark.parametrize("asset", ASSETS)
def test_every_check_of_a_good_backfill_passed_for_every_day(deployment: Deployment, asset: str) -> None:
    statuses = deployment.dagster.check_statuses(asset, GOOD_WEEK)
    assert statuses
    assert statuses == dict.fromkeys(statuses, dict.fromkeys(GOOD_WEEK, "SUCCEEDED"))


@pytest.mark.usefixtures("backfills")
def test_a_good_backfill_is_in_s3(deployment: Deployment) -> None:
    stored = deployment.vault.backups_with_manifests(day_number(0), day_number(4))
    assert [backup.slot.day.isoformat() for backup in stored if backup.is_vouched] == GOOD_WEEK


def test_a_backfill_with_a_bad_day_ends_in_failure(backfills: Backfills) -> None:
    assert backfills.bad.status == "COMPLETED_FAILED"
    assert counts(backfills.bad) == {"signal_extract": (5, 0), "hashed_csv": (5, 0), "backup_object": (4, 1)}


@pytest.mark.usefixtures("backfills")
def test_exactly_the_bad_day_is_shown_as_failed(deployment: Deployment) -> None:
    expected = {**dict.fromkeys(BAD_WEEK, "MATERIALIZED"), BAD_DAY: "FAILED"}
    assert deployment.dagster.partition_statuses("backup_object", BAD_WEEK) == expected


@pytest.mark.usefixtures("backfills")
def test_checks_that_a_bad_day_never_reached_are_shown_as_not_executed(deployment: Deployment) -> None:
    expected = {**dict.fromkeys(BAD_WEEK, "SUCCEEDED"), BAD_DAY: "EXECUTION_FAILED"}
    assert deployment.dagster.check_statuses("backup_object", BAD_WEEK) == {
        "stored_object_equals_csv": expected,
        "stored_row_hashes_verify": expected,
        "source_agrees_with_backup": expected,
        "audit_event_is_written": expected,
    }


@pytest.mark.usefixtures("backfills")
def test_checks_that_a_bad_day_reached_are_shown_as_passed(deployment: Deployment) -> None:
    statuses = deployment.dagster.check_statuses("hashed_csv", BAD_WEEK)
    assert statuses == dict.fromkeys(statuses, dict.fromkeys(BAD_WEEK, "SUCCEEDED"))


@pytest.mark.usefixtures("backfills")
def test_the_bad_day_is_the_one_day_that_s3_lacks(deployment: Deployment) -> None:
    stored = deployment.vault.backups(day_number(7), day_number(11))
    assert [backup.slot.day.isoformat() for backup in stored] == [day for day in BAD_WEEK if day != BAD_DAY]


def test_all_schedules_are_running(deployment: Deployment) -> None:
    assert deployment.dagster.schedule_statuses() == {
        "daily_backup_schedule": "RUNNING",
        "restore_drill_schedule": "RUNNING",
        "bucket_policy_schedule": "RUNNING",
        "audit_trail_schedule": "RUNNING",
        "retention_audit_schedule": "RUNNING",
        "storage_cost_schedule": "RUNNING",
        "rolling_reconciliation_schedule": "RUNNING",
        "scrub_schedule": "RUNNING",
        "store_probes_schedule": "RUNNING",
        "undated_signals_schedule": "RUNNING",
    }
