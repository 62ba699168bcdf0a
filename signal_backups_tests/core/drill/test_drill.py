"""Whole drills, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.errors import NotFoundError, SourceError, TargetError
from signal_backups.core.drill.run import DrillReport, DrillRun, drill
from signal_backups.core.drill.scratch_database import SCRATCH_PREFIX
from signal_backups.core.ledger.event import Action
from signal_backups.core.source import open_source
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.core.drill.live import (
    DAYS,
    LAST,
    NOW,
    Live,
    live_postgres,
    live_sqlite,
    rows_of,
    stored_days,
    writing,
)
from signal_backups_tests.core.ledger.recorded_events import objects, recorded_events
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.tables import SQLITE_TYPES, postgres_table
from signal_backups_tests.servers.postgres import fresh_database
from signal_backups_tests.servers.strict_s3 import StrictS3


@dataclass(frozen=True)
class FinishedDrill:
    """A live source after a passed drill."""

    live: Live
    report: DrillReport
    rows_before: list[list[dict[str, Any]]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StrictS3:
    """The backups of all days; tests use copies of it."""
    return stored_days(tmp_path_factory.mktemp("stored"))


@pytest.fixture(params=["sqlite", "postgresql"])
def live(request: pytest.FixtureRequest, stored: StrictS3, tmp_path: Path) -> Live:
    if request.param == "sqlite":
        return live_sqlite(stored.copy(), tmp_path)
    return live_postgres(stored.copy(), tmp_path, request.getfixturevalue("postgres_database"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def drilled(
    request: pytest.FixtureRequest, stored: StrictS3, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedDrill]:
    """One drill, shared by all tests that only read its result."""
    folder = tmp_path_factory.mktemp("drilled")
    with ExitStack() as stack:
        if request.param == "sqlite":
            live = live_sqlite(stored.copy(), folder)
        else:
            server: str = request.getfixturevalue("postgres_url")
            live = live_postgres(stored.copy(), folder, stack.enter_context(fresh_database(server)))
        before = rows_in(live)
        yield FinishedDrill(live, live.drill(), before)


def rows_in(live: Live) -> list[list[dict[str, Any]]]:
    with open_source(live.url, "signals").read_day(LAST) as snapshot:
        return [batch.to_pylist() for batch in snapshot.batches]


def databases(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute("SELECT datname FROM pg_database")]


def test_a_drill_restores_verifies_and_compares_a_week_and_an_older_day(drilled: FinishedDrill) -> None:
    report = drilled.report
    assert len(report.days) == 8
    assert [day.day for day in report.days][1:] == DAYS[3:]
    assert report.days[0].day in DAYS[:3]
    assert (report.ok, report.restores_everything, report.source_matches, report.rto_within_objective) == (True,) * 4
    assert report.rows == 40
    assert all(day.reconciliation and day.reconciliation.unchanged == 5 for day in report.days)


def test_a_drill_measures_every_phase_and_makes_a_forecast(drilled: FinishedDrill) -> None:
    report = drilled.report
    assert set(report.seconds) == {"download", "verify", "import", "verify_import", "compare"}
    assert all(seconds > 0 for seconds in report.seconds.values())
    assert report.forecast.days == len(DAYS)
    assert report.forecast.restore_seconds == pytest.approx(report.restore_seconds / 8 * 10, rel=0.2)
    assert report.rows_per_second == pytest.approx(40 / report.restore_seconds)


def test_the_report_is_stored_in_the_bucket(drilled: FinishedDrill) -> None:
    body, _ = drilled.live.vault.store.get_bytes("drills/2026/11/drill_20261112T030000Z.json")
    assert DrillReport.model_validate(json.loads(body)) == drilled.report


@pytest.mark.parametrize("live", ["sqlite"], indirect=True)
def test_a_drill_writes_one_audit_event_and_none_for_its_restores(live: Live) -> None:
    report = live.drill()
    live.execute(f"DELETE FROM signals WHERE signal_id = '{DAYS[-1]}-2'")
    live.drill(clock=lambda: NOW + timedelta(minutes=1))
    live.execute("ALTER TABLE signals RENAME TO gone")
    with pytest.raises(SourceError):
        live.drill()
    assert recorded_events(live.vault, Action.RESTORE, Action.VERIFICATION) == []
    passed, failed, aborted = recorded_events(live.vault, Action.DRILL)
    assert (passed.result, failed.result, aborted.result) == ("passed", "failed", "failed")
    (stored,) = live.vault.store.list_versions(live.vault.layout.drill_key(NOW))
    assert objects(passed) == {(stored.key, stored.version_id)}
    assert passed.details == {
        "ok": True,
        "run_id": "run",
        "days": 8,
        "failed_days": [],
        "differing_days": [],
        "rows": 40,
        "rto_seconds": round(report.forecast.seconds, 1),
    }
    assert (failed.details["ok"], failed.details["differing_days"]) == (False, [LAST.isoformat()])
    assert (aborted.objects, aborted.details["run_id"]) == ([], "run")
    assert aborted.details["error"]


def test_late_changed_and_deleted_signals_are_found(live: Live) -> None:
    day = DAYS[-1]
    live.execute(f"UPDATE signals SET symbol = 'X' WHERE signal_id = '{day}-1'")
    live.execute(f"DELETE FROM signals WHERE signal_id = '{day}-2'")
    columns = ", ".join(name if name != "signal_id" else "'late'" for name in SQLITE_TYPES)
    live.execute(f"INSERT INTO signals SELECT {columns} FROM signals WHERE signal_id = '{day}-3'")
    report = live.drill(recent_days=2)
    (found,) = report.differing_days
    assert (found.day, found.unchanged) == (day, 3)
    assert (found.late.signal_ids, found.mutated.signal_ids) == (["late"], [f"{day}-1"])
    assert found.deleted.signal_ids == [f"{day}-2"]
    assert (report.restores_everything, report.source_matches, report.ok) == (True, False, False)


def test_late_signals_alone_are_no_mismatch(live: Live) -> None:
    columns = ", ".join(name if name != "signal_id" else "'late'" for name in SQLITE_TYPES)
    live.execute(f"INSERT INTO signals SELECT {columns} FROM signals WHERE signal_id = '{DAYS[-1]}-3'")
    report = live.drill(recent_days=2)
    assert [found.late.count for found in report.differing_days] == [1]
    assert (report.source_matches, report.ok) == (True, True)


def test_a_day_that_cannot_be_restored_fails_the_drill_but_no_other_day(live: Live) -> None:
    manifest = live.vault.manifest(BackupSlot(LAST))
    assert manifest is not None
    write_manifest(live.vault, BackupSlot(LAST), manifest.model_copy(update={"records": 6}))
    report = live.drill(recent_days=2)
    assert [day.day for day in report.failed_days] == [LAST]
    assert "its manifest says 6" in (report.failed_days[0].restore.problem or "")
    assert not report.restores_everything
    assert sum(day.reconciliation is not None for day in report.days) == 2


def test_the_scratch_database_is_removed(drilled: FinishedDrill) -> None:
    live = drilled.live
    assert list(live.scratch.iterdir()) == []
    if live.url.startswith("postgresql"):
        assert not [name for name in databases(live.url) if name.startswith(SCRATCH_PREFIX)]


def test_the_source_is_not_changed(drilled: FinishedDrill) -> None:
    assert drilled.rows_before == rows_in(drilled.live)


def test_the_number_of_days_can_be_chosen(live: Live) -> None:
    assert [day.day for day in live.drill(recent_days=2).days][1:] == DAYS[-2:]


def test_a_drill_passes_while_500_rows_a_second_are_written(live: Live) -> None:
    if live.url.startswith("sqlite"):
        live.execute("PRAGMA journal_mode = WAL")
    with writing(live) as written:
        report = live.drill(recent_days=2)
    assert written() > 20
    assert report.ok
    assert not report.differing_days


def test_a_drill_without_backups_is_an_error(vault: BackupVault, tmp_path: Path) -> None:
    run = DrillRun("run", f"sqlite:///{tmp_path}/none.db", "signals", tmp_path / "scratch", clock=lambda: NOW)
    with pytest.raises(NotFoundError):
        drill(vault, run)


def test_a_missing_source_is_an_error_and_no_scratch_database_is_made(live: Live) -> None:
    live.execute("ALTER TABLE signals RENAME TO gone")
    with pytest.raises(SourceError):
        live.drill()
    assert list(live.scratch.glob("*")) == []


def test_a_user_who_may_not_create_databases_gets_a_remedy(
    vault: BackupVault, postgres_database: str, tmp_path: Path
) -> None:
    source = postgres_table(postgres_database, rows_of(LAST))
    store_backup(vault, extracted(source, tmp_path, LAST).folder, BackupRun("run"))
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain_user")
        connection.execute("CREATE ROLE plain_user LOGIN PASSWORD 'plain'")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO plain_user")
    login = postgres_database.partition("@")
    url = f"postgresql://plain_user:plain@{login[2]}"
    run = DrillRun("run", url, "signals", tmp_path / "scratch", clock=lambda: NOW)
    with pytest.raises(TargetError, match="CREATEDB, or name another server in SIGNAL_BACKUPS_DRILL_DATABASE_URL"):
        drill(vault, run)
    report = drill(vault, replace(run, scratch_url=postgres_database))
    assert report.ok


@pytest.mark.parametrize("live", ["postgresql"], indirect=True)
def test_scratch_databases_of_crashed_drills_are_removed(live: Live) -> None:
    old, young = f"{SCRATCH_PREFIX}20261110000000_x", f"{SCRATCH_PREFIX}20261112020000_x"
    for name in (old, young):
        live.execute(f'CREATE DATABASE "{name}"')
    live.drill(recent_days=2)
    assert [name for name in (old, young) if name in databases(live.url)] == [young]
    live.execute(f'DROP DATABASE "{young}"')
