"""Which object is a day's backup, and what the bucket says of it; every command, page, metric and alert asks here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import SHA256_METADATA
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, slot_that_counts
from signal_backups.core.vault.log_index import VersionsBySlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import VaultObjects


@dataclass(frozen=True)
class StoredDay:
    """What the bucket holds of a day that has, or had, a backup.

    Attributes:
        slot: the slot of the object that is the day's backup.
        state: one of verified, unverified, tampered, hidden and destroyed.
        versions: the versions and delete markers of the object, newest first.
        manifest: the current manifest, if it is genuine.
        others: the current objects of the day under other keys that have other content.
        has_lost_quarantine: whether the quarantined rows that the manifest names are not there any more.
        newest: the newest manifest of the slot in the manifest log, else the current one if it is genuine.
    """

    slot: BackupSlot
    state: DayState
    versions: Sequence[ObjectVersion]
    manifest: Manifest | None = None
    others: Sequence[ObjectVersion] = ()
    has_lost_quarantine: bool = False
    newest: Manifest | None = None

    @property
    def is_newest_left(self) -> bool:
        """Whether the version that the newest manifest vouches for is still there, current or not."""
        vouched = self.newest.backup.version_id if self.newest is not None else None
        return any(version.version_id == vouched for version in self.versions)

    @property
    def current(self) -> ObjectVersion | None:
        """The version that anybody who downloads the object gets; None when there is none."""
        return self.versions[0] if self.versions and not self.versions[0].hides else None


def newest_in_log(vault: VaultObjects, slot: BackupSlot) -> Manifest | None:
    """The newest manifest of a slot in the manifest log, whatever is left of it elsewhere; None when there is none."""
    return _Bucket(vault, slot.day, slot.day).newest_manifest(slot)


def stored_days(vault: VaultObjects, first: date, last: date) -> dict[date, StoredDay]:
    """What the bucket holds of each day of a range that has, or had, a backup; oldest first.

    It takes five listings and reads the current manifests: through the rolling segments of the manifest log, or one by
    one if it has none. A caching vault reads each of them only once.

    Args:
        vault: where the backups are.
        first: the first day of the range.
        last: the last day, included.

    Raises:
        StoreError: the store cannot be reached.
    """
    return _Bucket(vault, first, last).days()


class _Bucket:
    def __init__(self, vault: VaultObjects, first: date, last: date) -> None:
        self._vault = vault
        self._range = (first, last)
        # Manifests before the log, so that the entry of each of them is known.
        manifests = vault.manifest_versions(first, last) if vault.log_index.is_built else None
        manifests = vault.log_index.refresh() or manifests or {}
        self._manifests = {slot: found for slot, found in manifests.items() if first <= slot.day <= last}
        self._log = vault.log_index.entries
        self._numbers = vault.log_index.numbers(first, last)
        self._read: dict[ObjectVersion, Manifest | None] = {}

    @cached_property
    def _backups(self) -> VersionsBySlot:
        return self._vault.backup_versions(*self._range)

    @cached_property
    def _quarantines(self) -> set[tuple[str, str]]:
        listed = self._vault.quarantine_versions(*self._range).values()
        return {(each.key, each.version_id) for versions in listed for each in versions if not each.is_delete_marker}

    def days(self) -> dict[date, StoredDay]:
        by_day: dict[date, set[BackupSlot]] = {}
        for slot in (*self._with_object(self._backups), *self._with_object(self._manifests), *self._numbers):
            by_day.setdefault(slot.day, set()).add(slot)
        self._read_manifests(by_day.values())
        found = in_parallel(lambda day: self._day(by_day[day]), sorted(by_day))
        return {stored.slot.day: stored for stored in found if stored is not None}

    def _read_manifests(self, days: Iterable[set[BackupSlot]]) -> None:
        """Read the current manifests of all days together, which takes few requests."""
        left = ({slot for slot in slots if _has_object(self._backups.get(slot, []))} for slots in days)
        counting = [slot_that_counts(slots) for slots in left if slots]
        shown = [slot for slot in counting if not self._backups[slot][0].hides]
        stored = [self._manifests[slot][0] for slot in shown if self._manifests.get(slot)]
        wanted = [version for version in stored if not version.hides]
        self._read = dict(zip(wanted, self._vault.manifests_at(wanted), strict=True))

    def _manifest_at(self, version: ObjectVersion) -> Manifest | None:
        return self._read[version] if version in self._read else self._vault.manifest_at(version)

    def _day(self, slots: set[BackupSlot]) -> StoredDay | None:
        left = {slot for slot in slots if _has_object(self._backups.get(slot, []))}
        vouched = {slot for slot in slots if _has_object(self._manifests.get(slot, [])) or slot in self._numbers}
        # Not by day: an object of an older tool beside it is no version of the backup that was vouched for.
        destroyed = {slot for slot in vouched - left if self._was_vouched(slot)}
        if destroyed and not any(self._was_vouched(slot) for slot in vouched & left):
            slot = slot_that_counts(destroyed)
            return StoredDay(slot, DayState.DESTROYED, self._backups.get(slot, []), newest=self.newest_manifest(slot))
        return self._stored(slot_that_counts(left), left) if left else None

    def _stored(self, slot: BackupSlot, left: set[BackupSlot]) -> StoredDay:
        versions = self._backups[slot]
        current = versions[0]
        if current.hides:
            return StoredDay(slot, DayState.HIDDEN, versions, newest=self.newest_manifest(slot))
        beside = (self._backups[other][0] for other in sorted(left - {slot}))
        others = [other for other in beside if not other.hides and not self._is_same(current, other)]
        manifest, is_genuine = self._current_manifest(slot)
        if manifest is None or not is_genuine:
            state = DayState.UNVERIFIED if manifest is None else DayState.TAMPERED
            return StoredDay(slot, state, versions, None, others, newest=self.newest_manifest(slot))
        newest = manifest
        if (manifest.number or 0) < max(self._numbers.get(slot, []), default=0):
            newest = self.newest_manifest(slot) or manifest
        return StoredDay(
            slot,
            self._state_of(slot, manifest, newest),
            versions,
            manifest,
            others,
            self._has_lost_quarantine(manifest),
            newest,
        )

    def _state_of(self, slot: BackupSlot, manifest: Manifest, newest: Manifest) -> DayState:
        """The state of a slot with a genuine manifest that may not be the newest."""
        current = self._backups[slot][0].version_id
        if newest == manifest:
            return DayState.VERIFIED if manifest.backup.version_id == current else DayState.UNVERIFIED
        was_stored = newest.number is not None and self._is_stored(slot, newest.number)
        is_interrupted = newest.backup.version_id == current and not was_stored
        return DayState.UNVERIFIED if is_interrupted else DayState.TAMPERED

    def _current_manifest(self, slot: BackupSlot) -> tuple[Manifest | None, bool]:
        """The manifest on top of a slot's manifests, and whether it is genuine; None when none can be read there."""
        versions = self._manifests.get(slot, [])
        if not versions or versions[0].hides:
            return None, False
        manifest = self._manifest_at(versions[0])
        return manifest, manifest is not None and self._is_genuine(slot, manifest, versions[0])

    def _is_genuine(self, slot: BackupSlot, manifest: Manifest, stored: ObjectVersion) -> bool:
        if manifest.day != slot.day or manifest.backup.key != self._vault.layout.backup_key(slot):
            return False
        if manifest.number is None:
            # S3 itself says when an object was written, so nobody can pass a new manifest off as an old one.
            began = self._vault.log_index.began
            return began is None or stored.last_modified < began
        entry = self._log.get(manifest.number)
        return entry is not None and (entry.etag == stored.etag or self._vault.manifest_at(entry) == manifest)

    def _has_lost_quarantine(self, manifest: Manifest) -> bool:
        stored = manifest.quarantine
        # A copied manifest may name the quarantine of another key than its day's.
        return stored is not None and (stored.key, stored.version_id) not in self._quarantines

    def _was_vouched(self, slot: BackupSlot) -> bool:
        """Whether a manifest of a slot was ever genuine; anybody could put a forged one there.

        Of a day past its retention, backup and manifest expire, and only the log still knows them.
        """
        is_expired = slot.day < self._vault.kept_from and slot not in self._manifests
        if slot in self._numbers:
            return not is_expired
        stored = (version for version in self._manifests.get(slot, []) if not version.is_delete_marker)
        read = ((version, self._manifest_at(version)) for version in stored)
        return any(manifest is not None and self._is_genuine(slot, manifest, version) for version, manifest in read)

    def newest_manifest(self, slot: BackupSlot) -> Manifest | None:
        """The manifest with the highest number in the log, but for those of runs that were overtaken."""
        for number in reversed(self._numbers.get(slot, [])):
            manifest = self._vault.manifest_at(self._log[number])
            if manifest is not None and (self._is_stored(slot, number) or not self._is_overtaken(slot, manifest)):
                return manifest
        return None

    def _is_stored(self, slot: BackupSlot, number: int) -> bool:
        """Whether the bytes of an entry of the log are, or were, the manifest of the slot."""
        return any(version.etag == self._log[number].etag for version in self._manifests.get(slot, []))

    def _is_overtaken(self, slot: BackupSlot, logged: Manifest) -> bool:
        """Whether a manifest that was never stored is about an older version than the current manifest.

        Its run was interrupted after another one had stored a newer version and let its manifest vouch for that.
        """
        manifest, is_genuine = self._current_manifest(slot)
        if manifest is None or not is_genuine:
            return False
        newest_first = [version.version_id for version in self._backups.get(slot, [])]
        ids = (manifest.backup.version_id, logged.backup.version_id)
        return all(each in newest_first for each in ids) and newest_first.index(ids[0]) < newest_first.index(ids[1])

    def _is_same(self, one: ObjectVersion, other: ObjectVersion) -> bool:
        if one.size != other.size or one.etag == other.etag:
            return one.size == other.size
        # Objects that were uploaded in parts, or are encrypted with KMS, differ in their ETags whatever they hold.
        heads = [self._vault.store.head(each.key, each.version_id) for each in (one, other)]
        hashes = [head.metadata.get(SHA256_METADATA) if head else None for head in heads]
        return hashes[0] is not None and hashes[0] == hashes[1]

    @staticmethod
    def _with_object(versions: VersionsBySlot) -> Iterable[BackupSlot]:
        return (slot for slot, stored in versions.items() if _has_object(stored))


def _has_object(versions: Sequence[ObjectVersion]) -> bool:
    return any(not version.is_delete_marker for version in versions)
