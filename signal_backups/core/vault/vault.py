"""The vault: finding the backups, manifests and versions of one bucket and prefix."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from signal_backups.core.base.errors import (
    DeletedBackupError,
    DestroyedBackupError,
    NotFoundError,
    SignalBackupsError,
    StoreError,
    VerificationError,
)
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.event import Actor
from signal_backups.core.s3.object_lock import ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout, slot_that_counts
from signal_backups.core.vault.manifest import Manifest

VersionsBySlot = dict[BackupSlot, list[ObjectVersion]]


def destroyed_days(backups: VersionsBySlot, manifests: VersionsBySlot) -> set[date]:
    """The days of which no version is left, although there is, or was, a manifest that vouched for one."""
    # Not by day: an object of an older tool beside it is no version of the backup that was vouched for.
    vouched, left = (
        {slot for slot, versions in found.items() if not all(version.is_delete_marker for version in versions)}
        for found in (manifests, backups)
    )
    return {slot.day for slot in vouched - left} - {slot.day for slot in vouched & left}


def destroyed_backup(day: date) -> DestroyedBackupError:
    """The error that a destroyed day ends with, whatever is asked of it."""
    return DestroyedBackupError(
        f"the backup of {day} was destroyed: a manifest vouches for it, and no version of it is left",
        remedy="Examine what happened with: signal-backups audit verify. A new backup would cover it up; only if the "
        f'database is to be taken as it is: signal-backups backup {day} --accept-changes "REASON"',
    )


@dataclass(frozen=True)
class StoredBackup:
    """A day's current backup object; ``manifest`` is None for backups of older tools and unfinished ones."""

    slot: BackupSlot
    current: ObjectVersion
    manifest: Manifest | None = None

    @property
    def key(self) -> str:
        """Key of the object."""
        return self.current.key

    @property
    def is_vouched(self) -> bool:
        """Whether its manifest vouches for exactly the current version."""
        return self.manifest is not None and self.manifest.backup.version_id == self.current.version_id


@dataclass(frozen=True)
class BackupVersion:
    """One version of a day's backup.

    ``verified_at`` is None when no manifest ever vouched for it, ``lock`` for a delete marker, which has none.
    """

    version: ObjectVersion
    lock: ObjectLock | None
    records: int | None
    sha256: str | None
    verified_at: datetime | None


@dataclass(frozen=True)
class SlotHistory:
    """All versions and delete markers of one backup key, newest first.

    Attributes:
        stored_manifests: the manifests that can be read, each with the object that it was read from, newest first.
    """

    slot: BackupSlot
    key: str
    versions: list[ObjectVersion]
    stored_manifests: list[tuple[ObjectVersion, Manifest]]

    def vouching(self, version_id: str) -> Manifest | None:
        """The manifest that vouches for a version; None when none ever did."""
        return next((each for _, each in self.stored_manifests if each.backup.version_id == version_id), None)


class BackupVault:
    """The backups of one store and layout, with their audit trail and their manifest log.

    Args:
        store: the bucket.
        layout: where in it.
        actor: who works with them; default: this process's user.
        outbox: folder for audit events that cannot be stored now; see ``ledger.audit_trail``.
    """

    def __init__(
        self, store: S3ObjectStore, layout: Layout, *, actor: Actor | None = None, outbox: Path | None = None
    ) -> None:
        self.store = store
        self.layout = layout
        events = ChainedLog(store, layout.event_prefix, layout.probe_key)
        self.trail = AuditTrail(events, actor or Actor.here(), outbox, store.clock)
        self.manifest_log = ChainedLog(store, layout.manifest_log_prefix, layout.probe_key)

    def require_versioning(self) -> None:
        """Refuse to write where overwriting destroys what was stored before.

        Raises:
            StoreError: the bucket does not keep versions.
        """
        if not self.store.configuration.is_versioned():
            raise StoreError(
                f"bucket {self.store.bucket} does not keep versions", remedy="Switch it on with: signal-backups init"
            )

    def backups(self, first: date, last: date) -> list[StoredBackup]:
        """Current backup objects of a range of days, oldest first; foreign objects are left out."""
        found = []
        for version in self.store.list_versions(self._range_prefix(self.layout.prefix, first, last)):
            slot = self.layout.slot_of(version.key)
            is_object = version.is_latest and not version.is_delete_marker
            if slot is not None and is_object and first <= slot.day <= last:
                found.append(StoredBackup(slot, version))
        return sorted(found, key=lambda backup: backup.slot)

    def backups_with_manifests(self, first: date, last: date) -> list[StoredBackup]:
        """Like ``backups``, each with its manifest where there is one."""
        manifests = self.manifests(first, last)
        return [replace(backup, manifest=manifests.get(backup.slot)) for backup in self.backups(first, last)]

    def manifests(self, first: date, last: date, only: Container[date] | None = None) -> dict[BackupSlot, Manifest]:
        """Current manifests of a range of days, or of ``only`` some of them."""
        slots = []
        for item in self.store.list_current(self._range_prefix(self.layout.manifest_prefix, first, last)):
            slot = self.layout.slot_of_manifest(item.key)
            if slot is not None and first <= slot.day <= last and (only is None or slot.day in only):
                slots.append(slot)
        found = zip(slots, in_parallel(self.readable_manifest, slots), strict=True)
        return {slot: manifest for slot, manifest in found if manifest is not None}

    def manifest(self, slot: BackupSlot) -> Manifest | None:
        """The current manifest of a slot; None when there is none.

        Raises:
            VerificationError: there is one, and it cannot be read.
        """
        key = self.layout.manifest_key(slot)
        try:
            body, _ = self.store.get_bytes(key)
        except NotFoundError:
            return None
        return Manifest.from_bytes(body, self.store.uri(key))

    def readable_manifest(self, slot: BackupSlot) -> Manifest | None:
        """Like ``manifest``, but None also for one that cannot be read: it vouches for nothing."""
        try:
            return self.manifest(slot)
        except VerificationError:
            return None

    def manifest_at(self, version: ObjectVersion) -> Manifest | None:
        """What one listed version of a manifest says; None when it cannot be read or is gone by now."""
        try:
            body, _ = self.store.get_bytes(version.key, version.version_id)
            return Manifest.from_bytes(body, self.store.uri(version.key))
        except (VerificationError, NotFoundError):
            return None

    def find(self, day: date) -> StoredBackup:
        """The backup of a day: the one with the scheduled time in its key, else the latest of an older tool.

        Raises:
            DeletedBackupError: a delete marker hides it.
            DestroyedBackupError: no version of it is left.
            NotFoundError: the day never had one.
        """
        candidates = {backup.slot: backup for backup in self.backups(day, day)}
        if not candidates:
            raise self.absence(day)
        backup = candidates[slot_that_counts(candidates)]
        return replace(backup, manifest=self.manifest(backup.slot))

    def absence(self, day: date) -> SignalBackupsError:
        """Why a day has no current backup."""
        versions, manifests = self.backup_versions(day, day), self.manifest_versions(day, day)
        if day in destroyed_days(versions, manifests):
            return destroyed_backup(day)
        if any(not version.is_delete_marker for stored in versions.values() for version in stored):
            return DeletedBackupError(
                f"the backup of {day} was deleted: a delete marker hides it",
                remedy=f"Bring it back with: signal-backups undelete {day}",
            )
        return NotFoundError(
            f"no backup of {day} in {self.store.uri(self.layout.prefix)}",
            remedy=f"Make one with: signal-backups backup {day}",
        )

    def find_key(self, key: str) -> StoredBackup:
        """The backup under a key.

        Raises:
            NotFoundError: there is none, or the key is not that of a backup.
        """
        slot = self.layout.slot_of(key)
        current = self.store.head(key) if slot is not None else None
        if slot is None or current is None:
            raise NotFoundError(
                f"no backup {self.store.uri(key)}", remedy="See the keys there are with: signal-backups list"
            )
        return StoredBackup(slot, current, self.manifest(slot))

    def versions(self, day: date) -> list[BackupVersion]:
        """Every version of a day's backups, delete markers included, newest first.

        Raises:
            DestroyedBackupError: no version is left.
            NotFoundError: no backup of the day was ever stored.
        """
        histories = self.histories(day, day)
        if not histories:
            raise self.absence(day)
        return [
            self._described(version, history.vouching(version.version_id))
            for history in histories
            for version in history.versions
        ]

    def histories(self, first: date, last: date) -> list[SlotHistory]:
        """The history of every backup key of a range of days, deleted ones included, oldest day first."""
        versions = self.backup_versions(first, last)
        manifests = self.manifest_versions(first, last)
        return in_parallel(lambda slot: self._history(slot, versions[slot], manifests.get(slot, [])), sorted(versions))

    def history(self, slot: BackupSlot) -> SlotHistory | None:
        """The history of one key; None when nothing was ever stored there."""
        found = [history for history in self.histories(slot.day, slot.day) if history.slot == slot]
        return found[0] if found else None

    def backup_versions(self, first: date, last: date) -> VersionsBySlot:
        """All versions and delete markers of the backups of a range of days, newest first within a slot."""
        return self._by_slot(self.layout.prefix, self.layout.slot_of, first, last)

    def manifest_versions(self, first: date, last: date) -> VersionsBySlot:
        """Like ``backup_versions``, for the manifests."""
        return self._by_slot(self.layout.manifest_prefix, self.layout.slot_of_manifest, first, last)

    def quarantine_versions(self, first: date, last: date) -> VersionsBySlot:
        """Like ``backup_versions``, for the quarantined rows."""
        return self._by_slot(self.layout.quarantine_prefix, self.layout.slot_of_quarantine, first, last)

    def replaced_versions(self, first: date, last: date) -> VersionsBySlot:
        """Like ``backup_versions``, for the signals that replacements left out."""
        return self._by_slot(self.layout.quarantine_prefix, self.layout.slot_of_replaced, first, last)

    def _by_slot(
        self, prefix: str, slot_of: Callable[[str], BackupSlot | None], first: date, last: date
    ) -> VersionsBySlot:
        found: VersionsBySlot = {}
        for version in self.store.list_versions(self._range_prefix(prefix, first, last)):
            slot = slot_of(version.key)
            if slot is not None and first <= slot.day <= last:
                found.setdefault(slot, []).append(version)
        return found

    def _history(self, slot: BackupSlot, versions: list[ObjectVersion], manifests: list[ObjectVersion]) -> SlotHistory:
        key = self.layout.backup_key(slot)
        read = [(version, self.manifest_at(version)) for version in manifests if not version.is_delete_marker]
        stored = [(version, each) for version, each in read if each is not None and each.backup.key == key]
        return SlotHistory(slot, key, versions, stored)

    def _described(self, version: ObjectVersion, manifest: Manifest | None) -> BackupVersion:
        lock = None if version.is_delete_marker else self.store.lock_of(version.key, version.version_id)
        if manifest is None:
            return BackupVersion(version, lock, None, None, None)
        verified_at = manifest.verification.verified_at
        return BackupVersion(version, lock, manifest.records, manifest.backup.sha256, verified_at)

    @staticmethod
    def _range_prefix(prefix: str, first: date, last: date) -> str:
        """The narrowest prefix that covers a range of days: month, year or all."""
        if first.year != last.year:
            return prefix
        return f"{prefix}{first:%Y}/" + (f"{first:%m}/" if first.month == last.month else "")
