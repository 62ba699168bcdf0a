"""Which object is a day's backup, and what the bucket says of it; every command, page, metric and alert asks here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.chained_log import first_stored
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import SHA256_METADATA
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot, slot_that_counts
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import VaultObjects, VersionsBySlot


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

    It takes four listings and reads the current manifest of each day. A caching vault reads each of them only once.

    Args:
        vault: where the backups are.
        first: the first day of the range.
        last: the last day, included.

    Raises:
        StoreError: the store cannot be reached.
    """
    return _Bucket(vault, first, last).days()


@dataclass(frozen=True)
class _LogIndex:
    """The manifest log as its listing shows it: each entry as it was first stored, by number and by ETag."""

    entries: Mapping[int, ObjectVersion]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, vault: VaultObjects) -> _LogIndex:
        listed = {number: first_stored(versions) for number, versions in vault.manifest_log.versions().items()}
        entries = {number: stored for number, stored in listed.items() if stored is not None}
        return cls(entries, {stored.etag: number for number, stored in entries.items()})


class _Bucket:
    def __init__(self, vault: VaultObjects, first: date, last: date) -> None:
        self._vault = vault
        self._backups = vault.backup_versions(first, last)
        listed = vault.quarantine_versions(first, last).values()
        self._quarantines = {
            (each.key, each.version_id) for versions in listed for each in versions if not each.is_delete_marker
        }
        every_manifest = vault.manifest_versions(date.min, date.max)
        # After the manifests, so that the entry of each of them is in the listing.
        self._log = _LogIndex.of(vault)
        self._manifests = {slot: found for slot, found in every_manifest.items() if first <= slot.day <= last}
        slots = self._slots_by_number(every_manifest)
        self._never_stored = self._log.entries.keys() - slots.keys()
        self._newest = self._newest_numbers(slots, first, last)

    def days(self) -> dict[date, StoredDay]:
        by_day: dict[date, set[BackupSlot]] = {}
        for slot in (*self._with_object(self._backups), *self._with_object(self._manifests), *self._newest):
            by_day.setdefault(slot.day, set()).add(slot)
        found = in_parallel(lambda day: self._day(by_day[day]), sorted(by_day))
        return {stored.slot.day: stored for stored in found if stored is not None}

    def _day(self, slots: set[BackupSlot]) -> StoredDay | None:
        left = {slot for slot in slots if _has_object(self._backups.get(slot, []))}
        vouched = {slot for slot in slots if _has_object(self._manifests.get(slot, [])) or slot in self._newest}
        # Not by day: an object of an older tool beside it is no version of the backup that was vouched for.
        destroyed = set() if vouched & left else {slot for slot in vouched - left if self._was_vouched(slot)}
        if destroyed:
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
        if (manifest.number or 0) < self._newest.get(slot, 0):
            newest = self.newest_manifest(slot) or manifest
        return StoredDay(
            slot,
            self._state_of(manifest, newest, versions),
            versions,
            manifest,
            others,
            self._has_lost_quarantine(manifest),
            newest,
        )

    def _state_of(self, manifest: Manifest, newest: Manifest, versions: Sequence[ObjectVersion]) -> DayState:
        """The state of a slot with a genuine manifest that may not be the newest."""
        current = versions[0].version_id
        if newest == manifest:
            return DayState.VERIFIED if manifest.backup.version_id == current else DayState.UNVERIFIED
        is_interrupted = newest.backup.version_id == current and newest.number in self._never_stored
        return DayState.UNVERIFIED if is_interrupted else DayState.TAMPERED

    def _current_manifest(self, slot: BackupSlot) -> tuple[Manifest | None, bool]:
        """The manifest on top of a slot's manifests, and whether it is genuine; None when none can be read there."""
        versions = self._manifests.get(slot, [])
        if not versions or versions[0].hides:
            return None, False
        manifest = self._vault.manifest_at(versions[0])
        return manifest, manifest is not None and self._is_genuine(slot, manifest, versions[0])

    def _is_genuine(self, slot: BackupSlot, manifest: Manifest, stored: ObjectVersion) -> bool:
        if manifest.day != slot.day or manifest.backup.key != self._vault.layout.backup_key(slot):
            return False
        if manifest.number is None:
            # S3 itself says when an object was written, so nobody can pass a new manifest off as an old one.
            began = self._log.entries.get(1)
            return began is None or stored.last_modified < began.last_modified
        entry = self._log.entries.get(manifest.number)
        return entry is not None and (entry.etag == stored.etag or self._vault.manifest_at(entry) == manifest)

    def _has_lost_quarantine(self, manifest: Manifest) -> bool:
        stored = manifest.quarantine
        # A copied manifest may name the quarantine of another key than its day's.
        return stored is not None and (stored.key, stored.version_id) not in self._quarantines

    def _was_vouched(self, slot: BackupSlot) -> bool:
        """Whether a manifest of a slot without an object is genuine; anybody could put a forged one there."""
        if slot in self._newest:
            return True
        stored = (version for version in self._manifests.get(slot, []) if not version.is_delete_marker)
        read = ((version, self._vault.manifest_at(version)) for version in stored)
        return any(manifest is not None and self._is_genuine(slot, manifest, version) for version, manifest in read)

    def newest_manifest(self, slot: BackupSlot) -> Manifest | None:
        number = self._newest.get(slot)
        return self._vault.manifest_at(self._log.entries[number]) if number is not None else None

    def _newest_numbers(self, slots: Mapping[int, set[BackupSlot]], first: date, last: date) -> dict[BackupSlot, int]:
        """The highest number that the manifest log has of each slot.

        Mostly the listings tell, since a manifest and its entry have the same bytes and so the same ETag. An entry is
        read if its bytes are stored for no slot, because the manifest was destroyed or never written, or for several.
        """
        newest: dict[BackupSlot, int] = {}
        unclear: list[int] = []
        for number, entry in sorted(self._log.entries.items()):
            # A manifest is written after its day: older entries are about days before the range.
            if len(slots.get(number, ())) == 1:
                (slot,) = slots[number]
                newest[slot] = number
            elif entry.last_modified.date() >= first:
                unclear.append(number)
        read = in_parallel(lambda number: self._vault.manifest_at(self._log.entries[number]), unclear)
        for number, manifest in zip(unclear, read, strict=True):
            named = self._vault.layout.slot_of(manifest.backup.key) if manifest is not None else None
            if manifest is None or named is None or manifest.number != number:
                continue
            is_stored = named in slots.get(number, ())
            if number > newest.get(named, 0) and (is_stored or not self._is_overtaken(named, manifest)):
                newest[named] = number
        return {slot: number for slot, number in newest.items() if first <= slot.day <= last}

    def _slots_by_number(self, manifests: VersionsBySlot) -> dict[int, set[BackupSlot]]:
        """The slots for which the bytes of an entry of the manifest log are stored, by its number."""
        found: dict[int, set[BackupSlot]] = {}
        for slot, versions in manifests.items():
            for number in (self._log.numbers.get(each.etag) for each in versions):
                if number is not None:
                    found.setdefault(number, set()).add(slot)
        return found

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
