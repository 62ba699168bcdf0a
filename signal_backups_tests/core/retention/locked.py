"""Days in a bucket with Object Lock: a backup, a manifest and a quarantine each, with dummy content."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)
DAYS = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]

Named = tuple[str, str]


def vault_in(
    connection: S3Connection, bucket: str, lock: LockPolicy | None = None, layout: Layout | None = None
) -> BackupVault:
    """A vault that locks the versions it writes by a policy, counted from the real current time."""
    return BackupVault(S3ObjectStore(s3_client(connection), bucket, lock=lock), layout or Layout())


def keys_of(vault: BackupVault, day: date) -> list[str]:
    """The keys of all objects of a day."""
    slot, layout = BackupSlot(day), vault.layout
    return [layout.backup_key(slot), layout.manifest_key(slot), layout.quarantine_key(slot)]


def put_days(vault: BackupVault, days: Iterable[date]) -> set[Named]:
    """Store a new version of every object of the days; returns the new versions."""
    return {(key, vault.store.put_bytes(key, b"x", "text/csv")) for day in days for key in keys_of(vault, day)}


def delete(vault: BackupVault, key: str, version_id: str | None = None) -> str:
    """Delete an object or one version directly in S3; returns the id of the delete marker or the deleted version."""
    which: dict[str, Any] = {"VersionId": version_id} if version_id else {}
    return vault.store._client.delete_object(Bucket=vault.store.bucket, Key=key, **which)["VersionId"]
