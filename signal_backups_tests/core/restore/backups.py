"""Helpers that make backups to restore: of many days, dated, damaged, deleted, of older tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from typing_extensions import override

from signal_backups.core.base.digest import digest
from signal_backups.core.restore.report import RestoreReport
from signal_backups.core.restore.run import Restore, RestoreOptions
from signal_backups.core.restore.selection import choose_days
from signal_backups.core.restore.targets.contract import RestoreTarget
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY, Row, signal

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
ONE_DAY = timedelta(days=1)

BackUp = Callable[..., Manifest]
MakeDay = Callable[..., DayRun]

SLOT = BackupSlot(DAY)
KEY = Layout().backup_key(SLOT)
MANIFEST_KEY = Layout().manifest_key(SLOT)
QUARANTINE_KEY = Layout().quarantine_key(SLOT)


class DatedStore(S3ObjectStore):
    """A store in which a test can set the times of versions."""

    def __init__(self, store: S3ObjectStore) -> None:
        super().__init__(store._client, store.bucket)
        self.dates: dict[str, datetime] = {}

    @override
    def list_versions(self, prefix: str) -> list[ObjectVersion]:
        found = [
            replace(version, last_modified=self.dates.get(version.version_id, version.last_modified))
            for version in super().list_versions(prefix)
        ]
        return sorted(found, key=lambda v: (v.key, not v.is_latest, -v.last_modified.timestamp()))


def date_versions(vault: BackupVault, dates: Mapping[str, datetime]) -> None:
    """Set the times of versions, by their ids."""
    assert isinstance(vault.store, DatedStore)
    vault.store.dates |= dates


def rows_of(day: date, count: int) -> list[Row]:
    """Return a number of good signals of a day, with ids of their own."""
    return [
        signal(number, signal_id=f"{day}-{number:03}", timestamp=f"{day}T10:00:{number:02}Z")
        for number in range(1, count + 1)
    ]


def days_from(first: date, count: int) -> list[date]:
    """Return a number of consecutive days."""
    return [first + number * ONE_DAY for number in range(count)]


def delete(vault: BackupVault, key: str = KEY) -> str:
    """Put a delete marker on an object; returns the marker's version."""
    return vault.store._client.delete_object(Bucket=vault.store.bucket, Key=key)["VersionId"]


def overwrite(vault: BackupVault, body: bytes, key: str = KEY) -> str:
    """Store other bytes under a key, without a manifest; returns the version."""
    return vault.store.put_bytes(key, body, "text/csv")


def destroy(vault: BackupVault, key: str) -> None:
    """Remove every version of an object."""
    for version in vault.store.list_versions(key):
        vault.store._client.delete_object(Bucket=vault.store.bucket, Key=key, VersionId=version.version_id)


def vouch(vault: BackupVault, manifest: Manifest, body: bytes, folder: Path, records: int) -> Manifest:
    """Store any bytes as a new version of a backup, with a manifest that vouches for them."""
    version_id = overwrite(vault, body, manifest.backup.key)
    path = folder / "vouched.csv"
    path.write_bytes(body)
    found = digest(path)
    backup = manifest.backup.model_copy(update={"version_id": version_id, "bytes": found.bytes, "sha256": found.sha256})
    vouching = manifest.model_copy(update={"backup": backup, "records": records})
    return write_manifest(vault, BackupSlot(manifest.day), vouching)


def restore(
    vault: BackupVault,
    target: RestoreTarget,
    scratch: Path,
    options: RestoreOptions | None = None,
    first: date = DAY,
    last: date = DAY,
) -> RestoreReport:
    """Restore the current versions of a range of days."""
    return Restore(vault, target, options or RestoreOptions(), scratch).run(choose_days(vault, first, last))
