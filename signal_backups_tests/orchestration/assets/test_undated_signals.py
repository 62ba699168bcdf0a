"""The rows that belong to no day as Dagster shows them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import UNDATED_SIGNALS, job_name
from signal_backups_tests.orchestration.signals import FIRST_DAY
from signal_backups_tests.orchestration.world import (
    QUIET,
    World,
    evaluations,
    materializations,
    metadata_of,
    table_rows,
)


@pytest.fixture
def searched(world: World, monkeypatch: pytest.MonkeyPatch) -> dg.ExecuteInProcessResult:
    """A search of a database with one row that names no day."""
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", str(FIRST_DAY))
    world.table.add_days(FIRST_DAY, FIRST_DAY)
    with closing(sqlite3.connect(world.table.url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE signals SET timestamp = 'yesterday' WHERE rowid = 1")
    job = build_defs(resource_overrides=world.overrides()).resolve_job_def(job_name(UNDATED_SIGNALS))
    return job.execute_in_process(instance=world.instance, run_config={"loggers": QUIET})


def test_the_check_warns_and_the_asset_shows_rows_and_object(world: World, searched: dg.ExecuteInProcessResult) -> None:
    (answer,) = evaluations(searched)
    assert (answer.check_name, answer.passed, answer.severity) == (
        "every_row_has_a_day",
        False,
        dg.AssetCheckSeverity.WARN,
    )
    assert "1 with a timestamp that names no day" in str(answer.description)
    (event,) = materializations(searched, UNDATED_SIGNALS)
    (stored,) = world.vault.store.list_current("quarantine/")
    assert str(metadata_of(event)["object"]).startswith(world.vault.store.uri(stored.key))
    assert [row["timestamp"] for row in table_rows(event.metadata["first_rows"])] == ["yesterday"]


def test_the_days_do_not_repeat_the_row(world: World, searched: dg.ExecuteInProcessResult) -> None:
    assert world.run(FIRST_DAY).success
    manifest = world.vault.find(FIRST_DAY).manifest
    assert manifest is not None
    assert manifest.quarantined == 0
