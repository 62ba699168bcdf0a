"""Days that are backed up in an S3 in memory whose clock tests move, and what happens to their bytes there."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.scrub.night import ScrubReport, scrub
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.restore.backups import rows_of
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import Row
from signal_backups_tests.samples.tables import sqlite_table
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.state import Version

FIRST = date(2026, 3, 1)
LIMIT = timedelta(days=30)


class Stored:
    """The bucket; ``put`` backs days up on the morning after each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SimulatedClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.s3 = StrictS3(self.clock)
        self.vault = BackupVault(S3ObjectStore(self.s3.client(), "bucket", clock=self.clock), Layout())
        self.vault.store.configuration.create()
        self.vault.store.configuration.enable_versioning()

    def put(self, *days: date, rows: list[Row] | None = None) -> None:
        """Back days up, each with three signals unless its rows are given."""
        for day in days:
            self.clock.set(datetime(day.year, day.month, day.day, 2, tzinfo=UTC) + ONE_DAY)
            source = sqlite_table(self.folder / f"{day}.db", rows_of(day, 3) if rows is None else rows)
            store_backup(self.vault, extracted(source, self.folder, day).folder, BackupRun("run", self.clock))

    def night(self, within: timedelta = LIMIT) -> ScrubReport:
        """The next night's scrub."""
        self.clock.advance(ONE_DAY)
        return scrub(self.vault, None, within, self.folder / "scratch")

    def backup(self, day: date) -> Version:
        """The stored version of a day's backup, to be damaged."""
        return self._version(self.vault.layout.backup_key(BackupSlot(day)))

    def quarantine(self, day: date) -> Version:
        """The same of its quarantine."""
        return self._version(self.vault.layout.quarantine_key(BackupSlot(day)))

    def manifest(self, day: date) -> Version:
        """The same of its manifest."""
        return self._version(self.vault.layout.manifest_key(BackupSlot(day)))

    def _version(self, key: str) -> Version:
        return self.s3._account.bucket("bucket").versions[key][0]


def flip(version: Version) -> None:
    """Change a byte of what is stored, as a disk does that goes bad."""
    version.body = version.body[:-3] + bytes([version.body[-3] ^ 1]) + version.body[-2:]
