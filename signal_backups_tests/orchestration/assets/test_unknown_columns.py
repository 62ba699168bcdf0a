"""Columns of the table that the backup leaves out are named."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import dagster as dg
import pytest

from signal_backups.core.signals.extra_columns import ExtraColumn
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.assets.daily_backup_checks import NO_UNKNOWN_COLUMNS
from signal_backups.orchestration.resources import SettingsSource, SignalsDatabase
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import World, evaluations


def add_column(world: World, column: str) -> None:
    path = world.table.url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"ALTER TABLE signals ADD COLUMN {column}")


def left_out(world: World, number: int) -> list[ExtraColumn]:
    manifest = world.vault.manifest(BackupSlot(day_number(number)))
    assert manifest is not None
    return manifest.source.unknown_columns


def test_a_column_that_is_left_out_is_named_by_a_warning_and_in_the_manifest(world: World) -> None:
    world.table.add_days(FIRST_DAY, day_number(1))
    (before,) = evaluations(world.run(FIRST_DAY), NO_UNKNOWN_COLUMNS)
    assert (before.passed, left_out(world, 0)) == (True, [])
    add_column(world, "trader_notes TEXT")
    result = world.run(day_number(1))
    (answer,) = evaluations(result, NO_UNKNOWN_COLUMNS)
    assert (answer.passed, answer.severity, answer.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert answer.description is not None
    assert answer.description.startswith("backups leave out trader_notes (TEXT). Keep them")
    assert result.success
    assert left_out(world, 1) == [ExtraColumn("trader_notes", "TEXT")]


def test_the_setting_keeps_it_or_ends_the_warning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.table.add_days(FIRST_DAY, day_number(1))
    add_column(world, "trader_notes TEXT DEFAULT 'none'")
    database = SignalsDatabase(settings=SettingsSource(), url=world.table.url)
    monkeypatch.setenv("SIGNAL_BACKUPS_EXTRA_COLUMNS", "all")
    (kept,) = evaluations(world.run(FIRST_DAY, source=database.open()), NO_UNKNOWN_COLUMNS)
    monkeypatch.setenv("SIGNAL_BACKUPS_EXTRA_COLUMNS", "ignore")
    (ignored,) = evaluations(world.run(day_number(1), source=database.open()), NO_UNKNOWN_COLUMNS)
    assert (kept.passed, kept.description) == (True, "every column of the table is backed up")
    assert (ignored.passed, ignored.description) == (True, "backups leave out trader_notes (TEXT)")
    manifests = [world.vault.manifest(BackupSlot(day_number(number))) for number in (0, 1)]
    assert [manifest.extra_columns for manifest in manifests if manifest] == [("trader_notes",), ()]
