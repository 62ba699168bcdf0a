"""The retention audit and the cost as Dagster shows them."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import dagster as dg
import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.core.base.errors import StoreError
from signal_backups.core.retention_audit.report import RetentionAudit
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import RETENTION_AUDIT, STORAGE_COST, job_name
from signal_backups_tests.orchestration.world import (
    QUIET,
    World,
    evaluations,
    materializations,
    metadata_of,
    table_rows,
)

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def last(world: World, monkeypatch: pytest.MonkeyPatch) -> date:
    """The last complete day; it and the two before have signals and backups."""
    newest = last_complete_day()
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", (newest - timedelta(days=2)).isoformat())
    world.table.add_days(newest - timedelta(days=2), newest)
    world.run(newest - timedelta(days=2), newest)
    return newest


def run_job(world: World, name: str) -> dg.ExecuteInProcessResult:
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(name)
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET}, raise_on_error=False)


def shown_by(result: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> dict[str, object]:
    (event,) = materializations(result, asset)
    return metadata_of(event)


def png_in(markdown: object) -> bytes:
    return base64.b64decode(str(markdown).partition("base64,")[2].rstrip(")"))


def test_an_audit_shows_its_days_a_heat_map_and_keeps_its_report(world: World, last: date) -> None:
    result = run_job(world, job_name(RETENTION_AUDIT))
    assert result.success
    shown = shown_by(result, RETENTION_AUDIT)
    assert (shown["days"], shown["errors"], shown["last_day"]) == (3, 0, last.isoformat())
    assert png_in(shown["heat_map"]).startswith(PNG)
    (event,) = materializations(result, RETENTION_AUDIT)
    assert {"question": "present", "yes": 3, "no": 0, "n/a": 0} in table_rows(event.metadata["aspects"])
    (answer,) = evaluations(result)
    assert (answer.check_name, answer.passed) == ("every_day_is_kept_as_promised", True)
    (stored,) = world.vault.store.list_current("reports/retention/")
    assert shown["report"] == world.vault.store.uri(stored.key)
    assert len(RetentionAudit.model_validate_json(world.vault.store.get_bytes(stored.key)[0]).days) == 3


def test_a_day_that_is_gone_fails_the_check_and_names_the_remedy(world: World, last: date) -> None:
    (backup,) = world.vault.backups(last, last)
    world.vault.store._client.delete_object(Bucket=world.vault.store.bucket, Key=backup.key)
    result = run_job(world, job_name(RETENTION_AUDIT))
    assert result.success
    (answer,) = evaluations(result)
    assert (answer.passed, answer.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert f"signal-backups undelete {last}" in str(answer.description)
    (event,) = materializations(result, RETENTION_AUDIT)
    assert last.isoformat() in [row["day"] for row in table_rows(event.metadata["problems"])]


def test_what_an_audit_found_shows_even_when_its_report_cannot_be_kept(
    world: World, last: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> str:
        raise StoreError("the bucket is full")

    monkeypatch.setattr(world.vault.store, "put_bytes", refuse)
    result = run_job(world, job_name(RETENTION_AUDIT))
    assert shown_by(result, RETENTION_AUDIT)["days"] == 3
    (answer,) = evaluations(result)
    assert not answer.passed
    assert "could not be stored: the bucket is full" in str(answer.description)


def test_an_audit_that_cannot_ask_the_store_fails(world: World, last: date, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.vault.store, "bucket", "no-such-bucket")
    assert not run_job(world, job_name(RETENTION_AUDIT)).success
    assert not run_job(world, job_name(STORAGE_COST)).success


def test_the_cost_shows_what_is_stored_a_forecast_for_each_profile_and_a_chart(world: World, last: date) -> None:
    result = run_job(world, job_name(STORAGE_COST))
    assert result.success
    shown = shown_by(result, STORAGE_COST)
    assert {"seven_years_usd_documented", "seven_years_usd_recommended"} <= set(shown)
    assert png_in(shown["chart"]).startswith(PNG)
    (event,) = materializations(result, STORAGE_COST)
    backups = [row for row in table_rows(event.metadata["stored"]) if row["kind"] == "backups"]
    assert [row["objects"] for row in backups] == [3]
    (answer,) = evaluations(result)
    assert (answer.passed, answer.description) == (True, "no quota is set")


@pytest.mark.parametrize(("share", "severity"), [(0.5, None), (0.9, "WARN"), (1.1, "ERROR")])
def test_the_quota_is_a_check(
    world: World, last: date, monkeypatch: pytest.MonkeyPatch, share: float, severity: str | None
) -> None:
    stored = sum(version.size for version in world.vault.store.list_versions(""))
    monkeypatch.setenv("SIGNAL_BACKUPS_STORAGE_QUOTA_GB", f"{stored / share / 2**30:.12f}")
    (answer,) = evaluations(run_job(world, job_name(STORAGE_COST)))
    assert answer.passed is (severity is None)
    assert severity is None or answer.severity.value == severity
