"""Fixtures of this room's tests: days in a bucket, and a time-stamp authority."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.integrity.proof_days import BackUp
from signal_backups_tests.samples.days import RunDay
from signal_backups_tests.samples.signals import Row
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority


@pytest.fixture
def back_up(run_day: RunDay, vault: BackupVault) -> BackUp:
    """Backs up a day with the given rows."""
    numbers = count()

    def store(day: date, rows: Sequence[Row]) -> Manifest:
        return store_backup(vault, run_day(rows, day, file=f"{next(numbers)}.db").folder, BackupRun("tests")).manifest

    return store


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """A time-stamp authority."""
    with timestamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        yield authority


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder for downloads that does not exist yet."""
    return tmp_path / "scratch"
