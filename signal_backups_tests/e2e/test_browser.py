"""A person with a browser: sees the assets, backs up a day by hand, and sees that it went well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from signal_backups_tests.e2e.conftest import PAGE_TIMEOUT_MS, Deployment
from signal_backups_tests.orchestration.signals import SIGNALS_A_DAY, day_number

pytestmark = pytest.mark.slow

ASSETS = ["signal_extract", "hashed_csv", "backup_object"]
BACKUP_CHECKS = [
    "stored_object_equals_csv",
    "stored_row_hashes_verify",
    "source_agrees_with_backup",
    "audit_event_is_written",
]
BACKUP_GROUP = "/locations/signal_backups/asset-groups/signal_backups"
DRILL_JOB = "/locations/signal_backups/jobs/restore_drill_job"
DAY = day_number(14)
RUN_TIMEOUT_MS = 120_000


@pytest.fixture(scope="module")
def run_id(browser: Browser, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The run that came of materializing all assets for one day in the UI."""
    folder = tmp_path_factory.mktemp("launch")
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PAGE_TIMEOUT_MS)
    page.goto(f"{deployment.dagster.url}{BACKUP_GROUP}")
    page.get_by_role("button", name="Materialize all (3)").click()
    page.get_by_role("button", name="Show all partitions").click()
    days = page.get_by_placeholder("ex: ")
    days.fill(DAY.isoformat())
    days.press("Enter")
    launch = page.get_by_role("button", name="Launch 1 run")
    expect(launch).to_be_enabled()
    page.screenshot(path=folder / "dialog.png")
    launch.click()
    page.get_by_role("link", name="View", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}"))
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
    page.screenshot(path=folder / "run.png")
    found = page.url.rsplit("/", 1)[1][:36]
    page.close()
    return found


def test_the_asset_graph_shows_the_table_and_the_three_assets(
    page: Page, deployment: Deployment, tmp_path: Path
) -> None:
    page.goto(f"{deployment.dagster.url}{BACKUP_GROUP}")
    for name in ["signals_table", *ASSETS]:
        expect(page.get_by_text(name, exact=True).last).to_be_visible()
    page.screenshot(path=tmp_path / "lineage.png")


def test_the_catalog_shows_what_every_asset_is(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/assets")
    for name in ["signals_table", *ASSETS]:
        expect(page.locator(f'a[href="/assets/{name}"]')).to_be_visible()
    expect(page.get_by_text("Step 3: the day's backup in S3, read back, verified.")).to_be_visible()


def test_a_day_launched_by_hand_succeeds(deployment: Deployment, run_id: str) -> None:
    answer = deployment.dagster.ask(
        "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }", id=run_id
    )
    run = answer["runOrError"]
    assert run["status"] == "SUCCESS"
    assert {"key": "dagster/partition", "value": DAY.isoformat()} in run["tags"]


def test_a_day_launched_by_hand_is_in_s3(deployment: Deployment, run_id: str) -> None:
    (backup,) = deployment.vault.backups_with_manifests(DAY, DAY)
    assert backup.is_vouched
    assert (backup.manifest.run_id, backup.manifest.records) == (run_id, SIGNALS_A_DAY)


@pytest.mark.usefixtures("run_id")
def test_its_partition_page_shows_where_the_backup_lies(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/assets/backup_object?view=partitions&partition={DAY}")
    expect(page.get_by_text(re.compile(r"Materialized \([1-9]\d*\)"))).to_be_visible()
    expect(page.get_by_text("signals_backup_20240115_020000.csv").first).to_be_visible()
    for name in ("version_id", "sha256", "rows_verified"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    assert deployment.dagster.partition_statuses("backup_object", [str(DAY)]) == {str(DAY): "MATERIALIZED"}


@pytest.mark.usefixtures("run_id")
def test_its_checks_are_shown_as_passed(page: Page, deployment: Deployment, tmp_path: Path) -> None:
    page.goto(f"{deployment.dagster.url}/assets/backup_object?view=checks")
    for name in BACKUP_CHECKS:
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    page.screenshot(path=tmp_path / "checks.png")
    page.get_by_role("tab", name="Partitions").last.click()
    expect(page.get_by_text(re.compile(r"Passed \([1-9]\d*\)"))).to_be_visible()
    passed = {name: {str(DAY): "SUCCEEDED"} for name in BACKUP_CHECKS}
    assert deployment.dagster.check_statuses("backup_object", [str(DAY)]) == passed


@pytest.mark.usefixtures("run_id")
def test_a_drill_launched_by_hand_passes_its_checks_and_plots_its_figures(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}{DRILL_JOB}")
    page.get_by_role("button", name="Materialize").last.click()
    page.get_by_role("link", name="View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
    page.goto(f"{deployment.dagster.url}/assets/restore_drill")
    page.get_by_role("button", name="Plots").click()
    for name in ("rows_per_second", "import_seconds", "rto_forecast_seconds"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    page.goto(f"{deployment.dagster.url}/assets/restore_drill?view=checks")
    for name in ("drill_restores_everything", "source_matches_backup", "rto_within_objective"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(3)


@pytest.mark.usefixtures("run_id")
@pytest.mark.parametrize(
    ("asset", "check"),
    [("retention_audit", "every_day_is_kept_as_promised"), ("storage_cost", "storage_within_quota")],
)
def test_the_retention_assets_show_their_pictures(
    page: Page, deployment: Deployment, tmp_path: Path, asset: str, check: str
) -> None:
    page.goto(f"{deployment.dagster.url}/locations/signal_backups/jobs/{asset}_job")
    page.get_by_role("button", name="Materialize").last.click()
    page.get_by_role("link", name="View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
    page.goto(f"{deployment.dagster.url}/assets/{asset}")
    page.get_by_text("Show Markdown").last.click()
    drawn = page.locator('img[src^="data:image/png;base64,"]')
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.naturalWidth") > 500
    page.screenshot(path=tmp_path / "picture.png")
    page.goto(f"{deployment.dagster.url}/assets/{asset}?view=checks")
    expect(page.get_by_text(check, exact=True).first).to_be_visible()


@pytest.mark.usefixtures("run_id")
def test_the_audit_trail_shows_that_it_is_unbroken(page: Page, deployment: Deployment) -> None:
    page.goto(f"{deployment.dagster.url}/locations/signal_backups/jobs/audit_trail_job")
    page.get_by_role("button", name="Materialize").last.click()
    page.get_by_role("link", name="View", exact=True).click()
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=RUN_TIMEOUT_MS)
    page.goto(f"{deployment.dagster.url}/assets/audit_trail?view=checks")
    for name in ("trail_is_unbroken", "heads_are_anchored"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2)
