"""The vault: the backup of a day, its history, and why it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from signal_backups.core.base.errors import (
    DeletedBackupError,
    DestroyedBackupError,
    NotFoundError,
    SignalBackupsError,
)
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_lock import ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import StoredBackup, VaultObjects
from signal_backups.core.vault.stored_days import StoredDay, stored_days


def destroyed_backup(day: date) -> DestroyedBackupError:
    """The error that a destroyed day ends with, whatever is asked of it."""
    return DestroyedBackupError(
        f"the backup of {day} was destroyed: a manifest vouched for it, and no version of it is left",
        remedy="Examine what happened with: signal-backups audit verify. A new backup would cover it up; only if the "
        f'database is to be taken as it is: signal-backups backup {day} --accept-changes "REASON"',
    )


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


class BackupVault(VaultObjects):
    """The backups of one store and layout; see ``VaultObjects`` for its parameters."""

    def stored_days(self, first: date, last: date) -> dict[date, StoredDay]:
        """What the bucket holds of each day of a range that has, or had, a backup; see ``vault.stored_days``."""
        return stored_days(self, first, last)

    def find(self, day: date) -> StoredBackup:
        """The backup of a day: the one with the scheduled time in its key, else the latest of an older tool.

        Raises:
            DeletedBackupError: a delete marker hides it.
            DestroyedBackupError: no version of it is left.
            NotFoundError: the day never had one.
        """
        stored = self.stored_days(day, day).get(day)
        if stored is None or stored.current is None:
            raise self._absence(day, stored)
        return StoredBackup(stored.slot, stored.current, self.manifest(stored.slot))

    def absence(self, day: date) -> SignalBackupsError:
        """Why a day has no current backup."""
        return self._absence(day, self.stored_days(day, day).get(day))

    def _absence(self, day: date, stored: StoredDay | None) -> SignalBackupsError:
        if stored is not None and stored.state is DayState.DESTROYED:
            return destroyed_backup(day)
        if stored is not None:
            return DeletedBackupError(
                f"the backup of {day} was deleted: a delete marker hides it",
                remedy=f"Bring it back with: signal-backups undelete {day}",
            )
        return self.never_stored(day)

    def never_stored(self, day: date) -> NotFoundError:
        """Why a day has no backup of which nothing was ever stored."""
        return NotFoundError(
            f"no backup of {day} in {self.store.uri(self.layout.prefix)}",
            remedy=f"Make one with: signal-backups backup {day}",
        )

    def find_key(self, key: str) -> StoredBackup:
        """The backup under a key.

        Raises:
            DeletedBackupError: it is the day's backup, and a delete marker hides it.
            DestroyedBackupError: it is the day's backup, and no version of it is left.
            NotFoundError: there is none, or the key is not that of a backup.
        """
        slot = self.layout.slot_of(key)
        current = self.store.head(key) if slot is not None else None
        stored = self.stored_days(slot.day, slot.day).get(slot.day) if slot is not None and current is None else None
        if stored is not None and stored.slot == slot:
            raise self._absence(slot.day, stored)
        if slot is None or current is None:
            raise NotFoundError(
                f"no backup {self.store.uri(key)}", remedy="See the keys there are with: signal-backups list"
            )
        return StoredBackup(slot, current, self.manifest(slot))

    def versions(self, day: date, histories: list[SlotHistory] | None = None) -> list[BackupVersion]:
        """Every version of a day's backups, delete markers included, newest first.

        Args:
            day: the UTC day.
            histories: of the day, as far as their manifests are to count; None: all manifests count.

        Raises:
            DestroyedBackupError: no version is left.
            NotFoundError: no backup of the day was ever stored.
        """
        histories = self.histories(day, day) if histories is None else histories
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
