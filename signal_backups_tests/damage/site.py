"""A bucket with three backed-up days and the database that they came from: where one damage is inflicted."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import DayFolder
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import days_between
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.signals.fields import VERIFICATION_HASH
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.cli.stored_days import StoredDays, rows_of
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import Row
from signal_backups_tests.samples.tables import SQLITE_TYPES, sqlite_source, sqlite_table

SIGNALS_A_DAY = 5


@dataclass(frozen=True)
class Site:
    """One bucket and one database. The damaged day is the one in the middle; both its neighbours stay whole.

    Attributes:
        stored: the bucket.
        day: the day (UTC) that is damaged.
    """

    stored: StoredDays
    day: date

    @property
    def folder(self) -> Path:
        """For the database, and for what commands write."""
        return self.stored.folder

    @property
    def vault(self) -> BackupVault:
        """The backups."""
        return self.stored.vault

    @property
    def first(self) -> date:
        """The day before; the first that is backed up."""
        return self.day - timedelta(days=1)

    @property
    def last(self) -> date:
        """The day after; the last complete day."""
        return self.day + timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """All three."""
        return list(days_between(self.first, self.last))

    @property
    def key(self) -> str:
        """Key of the day's backup."""
        return self.stored.key(self.day)

    @property
    def manifest_key(self) -> str:
        """Key of the day's manifest."""
        return self.stored.manifest_key(self.day)

    @property
    def quarantine_key(self) -> str:
        """Key of the day's quarantined rows."""
        return self.vault.layout.quarantine_key(BackupSlot(self.day))

    @property
    def manifest(self) -> Manifest:
        """The current manifest of the day."""
        found = self.vault.manifest(BackupSlot(self.day))
        assert found is not None
        return found

    @property
    def source(self) -> SignalSource:
        """The database."""
        return sqlite_source(self.database)

    @property
    def database(self) -> Path:
        """Its file."""
        return self.folder / "source.db"

    @property
    def terminal(self) -> Terminal:
        """A terminal with the settings of an installation that began on the first day."""
        return self.stored.terminal(self.folder, SIGNAL_BACKUPS_START_DATE=self.first.isoformat())

    def signal_id(self, number: int) -> str:
        """The id of a signal of the day, from 1."""
        return f"{self.day:%Y%m%d}-{number:05}"

    def back_up(self, day: date | None = None, accept: str | None = None) -> Manifest:
        """Back a day up (default: the damaged one) as the nightly run does."""
        folder = extracted(self.source, self.folder, day or self.day).folder
        return store_backup(self.vault, folder, BackupRun("nightly", accept_changes=accept)).manifest

    def extract(self) -> DayFolder:
        """What a backup of the day would store now."""
        return extracted(self.source, self.folder, self.day).folder

    def put(self, key: str, body: bytes) -> str:
        """Store bytes past every rule, and return their version id."""
        return self.stored.put(key, body)

    def versions(self, key: str) -> Sequence[ObjectVersion]:
        """The versions of one object, newest first."""
        return self.vault.store.list_versions(key)

    def destroy(self, version: ObjectVersion) -> None:
        """Remove one version for good."""
        self.stored.client.delete_object(Bucket=self.stored.bucket, Key=version.key, VersionId=version.version_id)

    def change_source(self, statement: str, *values: object) -> None:
        """Run SQL in the database."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement, values)

    def add_to_source(self, row: Row) -> None:
        """Add a row to the database."""
        values = [row[VERIFICATION_HASH if name == "sha256" else name] for name in SQLITE_TYPES]
        self.change_source(f"INSERT INTO signals VALUES ({', '.join('?' * len(values))})", *values)


def fill_database(site: Site) -> None:
    """Create the database with a handful of good signals for each of the three days."""
    sqlite_table(site.database, [row for day in site.days for row in rows_of(day, SIGNALS_A_DAY)])
