"""Fixtures of the tests of restore: both engines as places to restore into, and days that are backed up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import NOW, BackUp, DatedStore, MakeDay
from signal_backups_tests.core.restore.places import FULL_SQLITE, Place
from signal_backups_tests.samples.days import DayRun, RunDay
from signal_backups_tests.samples.signals import DAY, Row


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    """An SQLite file that does not exist yet."""
    return Place("sqlite", f"sqlite:///{tmp_path / 'restored.db'}")


@pytest.fixture
def postgres_place(postgres_database: str) -> Place:
    """An empty PostgreSQL database."""
    return Place("postgres", postgres_database)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each engine in turn."""
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place


@pytest.fixture
def make_day(run_day: RunDay) -> MakeDay:
    """Extracts and hashes a day of rows; can be called repeatedly."""
    made = iter(range(1000))

    def make(rows: Sequence[Row], day: date = DAY, types: Mapping[str, str] = FULL_SQLITE) -> DayRun:
        return run_day(rows, day=day, types=types, file=f"table-{next(made)}.db")

    return make


@pytest.fixture
def back_up(make_day: MakeDay, vault: BackupVault) -> BackUp:
    """Backs up a day of rows and returns the manifest."""

    def back_up(
        rows: Sequence[Row],
        day: date = DAY,
        at: datetime = NOW,
        into: BackupVault = vault,
        accept: str | None = None,
    ) -> Manifest:
        run = BackupRun("run-1", lambda: at, accept_changes=accept)
        return store_backup(into, make_day(rows, day).folder, run).manifest

    return back_up


@pytest.fixture
def dated(vault: BackupVault) -> BackupVault:
    """The vault with a store in which tests set the times of versions."""
    return BackupVault(DatedStore(vault.store), vault.layout)
