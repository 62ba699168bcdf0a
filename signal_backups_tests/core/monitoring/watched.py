"""A bucket on the strict in-memory S3, in which tests store objects and manifests at chosen times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from signal_backups.core.base.objectives import due_at
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import StoredFile
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention_audit.audit_samples import fake_sha256, manifest_of
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.state import Version

FIRST = date(2026, 3, 1)


class Watched:
    """A versioned bucket and its simulated clock; ``put`` sets the clock to the backup time of a day."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(datetime(2019, 1, 1, tzinfo=UTC))
        self.s3 = StrictS3(self.clock)
        self.vault = BackupVault(S3ObjectStore(self.s3.client(), "bucket", clock=self.clock), Layout())
        self.vault.store.configuration.create()
        self.vault.store.configuration.enable_versioning()

    def put_object(self, slot: BackupSlot, content: bytes = b"csv") -> StoredFile:
        """Store a day's object without a manifest, now."""
        key = self.vault.layout.backup_key(slot)
        version_id = self.vault.store.put_bytes(key, content, "text/csv")
        return StoredFile(key=key, version_id=version_id, bytes=len(content), sha256=fake_sha256("csv"))

    def put_manifest(self, slot: BackupSlot, stored: StoredFile) -> None:
        """Store the manifest of an object, now."""
        body = manifest_of(stored, slot.day).to_bytes()
        self.vault.store.put_bytes(self.vault.layout.manifest_key(slot), body, "application/json")

    def put_manifest_now(self, day: date) -> None:
        """Store another version of a day with its manifest, both made now."""
        made = manifest_of(self.put_object(BackupSlot(day)), day).model_copy(update={"finished_at": self.clock()})
        self.vault.store.put_bytes(self.vault.layout.manifest_key(BackupSlot(day)), made.to_bytes(), "application/json")

    def put(self, *days: date, seconds_between: float = 1) -> None:
        """Store verified backups, each when it is due."""
        for day in days:
            self.clock.set(max(self.clock(), due_at(day)))
            stored = self.put_object(BackupSlot(day))
            self.clock.advance(timedelta(seconds=seconds_between))
            self.put_manifest(BackupSlot(day), stored)

    def put_at_once(self, *days: date, seconds_between: float = 1) -> None:
        """Like ``put``, but directly in the memory of the S3, which is fast enough for thousands of days."""
        held, layout = self.s3._account.bucket("bucket"), self.vault.layout
        for day in days:
            slot, made = BackupSlot(day), due_at(day)
            backup = Version(layout.backup_key(slot), made, b"csv")
            held.add(backup)
            stored = StoredFile(key=backup.key, version_id=backup.id, bytes=3, sha256=fake_sha256("csv"))
            body = manifest_of(stored, day).to_bytes()
            held.add(Version(layout.manifest_key(slot), made + timedelta(seconds=seconds_between), body))
            self.clock.set(made)

    def hide(self, key: str) -> None:
        """Put a delete marker on a key."""
        self.vault.store._client.delete_object(Bucket="bucket", Key=key)

    def observe(self, start: date | None = FIRST, **options: Any) -> Observation:
        """Observe the days from ``start`` on, now."""
        return observe(self.vault, start, self.clock, **options)
