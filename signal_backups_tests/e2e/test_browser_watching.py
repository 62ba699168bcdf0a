"""A person with a browser asks: are we safe? What watches, how fresh each asset is, and how its figures went."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from signal_backups_tests.e2e.conftest import Deployment
from signal_backups_tests.orchestration.signals import day_number
from signal_backups_tests.servers.waiting import wait_for

pytestmark = pytest.mark.slow

SCHEDULES = [
    "daily_backup_schedule",
    "restore_drill_schedule",
    "bucket_policy_schedule",
    "audit_trail_schedule",
    "retention_audit_schedule",
    "storage_cost_schedule",
    "rolling_reconciliation_schedule",
    "scrub_schedule",
    "store_probes_schedule",
]
SENSORS = ["late_rows_sensor", "stale_partition_sensor", "alert_sensor"]
BACKUP_ASSETS = ["signal_extract", "hashed_csv", "backup_object"]
A_DAY, A_WEEK, A_MONTH = timedelta(hours=25), timedelta(days=8), timedelta(days=32)
#: After how long without a run Dagster shows an asset as stale.
FRESH_FOR = {
    **dict.fromkeys(
        [
            *BACKUP_ASSETS,
            "undated_signals",
            "bucket_policy",
            "audit_trail",
            "storage_cost",
            "rolling_reconciliation",
            "scrub",
        ],
        A_DAY,
    ),
    "restore_drill": A_WEEK,
    "store_probes": A_WEEK,
    "retention_audit": A_MONTH,
}
# The daemons that evaluate sensors and freshness look twice a minute.
DAEMON_TIMEOUT_S = 90


@pytest.fixture(scope="module", autouse=True)
def _backed_up(deployment: Deployment) -> None:
    """One good day."""
    assert deployment.dagster.run_job("daily_backup_job", **{"dagster/partition": str(day_number(16))}) == "SUCCESS"


def test_every_schedule_and_sensor_is_listed_and_switched_on(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/automation")
    for name in [*SCHEDULES, *SENSORS]:
        row = page.locator("[data-index]").filter(has=page.get_by_text(name, exact=True))
        # The first checkbox selects the row, the second one is the switch.
        expect(row.get_by_role("checkbox").last).to_be_checked()


def test_every_sensor_runs_and_has_nothing_to_ask_for(deployment: Deployment) -> None:
    def ticked() -> bool:
        ticks = [state["ticks"] for state in deployment.dagster.sensor_states().values()]
        return all(last and last[0]["status"] != "STARTED" for last in ticks)

    wait_for(ticked, DAEMON_TIMEOUT_S, "a tick of every sensor")
    skipped = {"status": "RUNNING", "ticks": [{"status": "SKIPPED", "error": None}]}
    assert deployment.dagster.sensor_states() == dict.fromkeys(SENSORS, skipped)


def test_every_asset_but_the_table_has_a_freshness(deployment: Deployment) -> None:
    shown = {asset: timedelta(seconds=seconds) for asset, (seconds, _) in deployment.dagster.freshness().items()}
    assert shown == FRESH_FOR


@pytest.mark.parametrize("asset", BACKUP_ASSETS)
def test_the_page_of_an_asset_shows_that_it_is_fresh(page: Page, deployment: Deployment, asset: str) -> None:
    def is_fresh() -> bool:
        return deployment.dagster.freshness()[asset][1] == "HEALTHY"

    wait_for(is_fresh, DAEMON_TIMEOUT_S, f"{asset} to be fresh")
    page.goto(f"{deployment.dagster.url}/assets/{asset}")
    expect(page.get_by_text("Fails if more than 25 hours since last materialization")).to_be_visible()
    expect(page.get_by_text("Passing", exact=True).first).to_be_visible()


def test_a_backup_plots_records_bytes_and_seconds(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/assets/backup_object")
    page.get_by_role("button", name="Plots").click()
    # By partition Dagster plots the newest partitions only, and this day is years old.
    page.get_by_role("button", name="Events").click()
    for name in ("records", "bytes", "quarantined", "verification_seconds", "backup_duration_seconds"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()


def test_the_page_of_a_backup_says_where_to_see_that_all_is_well(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/assets/backup_object")
    expect(page.get_by_text("Are we safe?")).to_be_visible()
    expect(page.get_by_text("Look at Partitions")).to_be_visible()
