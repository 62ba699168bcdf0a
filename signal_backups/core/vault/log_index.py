"""Which slot each entry of the manifest log is about, found mostly by listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from threading import Lock

from signal_backups.core.ledger.chained_log import ChainedLog, first_versions
from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.ledger.tail import versions_after
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest

VersionsBySlot = dict[BackupSlot, list[ObjectVersion]]


class LogIndex:
    """The entries of a vault's manifest log; an entry never changes, so each is looked at once in the life of a vault.

    A manifest and its entry have the same bytes, and so mostly the same ETag: then a listing of the manifests tells the
    slot. An entry is read if its bytes are stored for no slot, because the manifest was destroyed or never written, or
    for several.

    Args:
        log: the manifest log.
        layout: the keys of the vault.
        list_manifests: lists the versions of the manifests of a range of days.
        read: what each of several versions of manifests says; None when it cannot be read.
    """

    def __init__(
        self,
        log: ChainedLog,
        layout: Layout,
        list_manifests: Callable[[date, date], VersionsBySlot],
        read: Callable[[Sequence[ObjectVersion]], Sequence[Manifest | None]],
    ) -> None:
        self._log = log
        self._layout = layout
        self._list_manifests = list_manifests
        self._read = read
        self._lock = Lock()
        self._is_built = False
        self._continue_from = 0
        self._slots: dict[int, BackupSlot | None] = {}
        #: Each entry as it was first stored, by number.
        self.entries: dict[int, ObjectVersion] = {}
        #: What was damaged when the whole log was listed.
        self.damage = LogDamage()

    def refresh(self) -> VersionsBySlot | None:
        """Look at the entries since the last time; returns the versions of all manifests if it had to list them.

        Raises:
            StoreError: the store cannot be reached.
        """
        with self._lock:
            if self._is_built:
                self.entries |= versions_after(self._log, self._last_without_gap())
                return None
            manifests = self._list_manifests(date.min, date.max)
            # After the manifests, so that the entry of each of them is in the listing.
            versions = self._log.versions()
            self.entries = first_versions(versions)
            self.damage = LogDamage.of(versions)
            self._slots = self._told_by(manifests)
            self._is_built = True
            return manifests

    def rebuild(self) -> None:
        """List the whole log the next time, so that an entry that was destroyed since is not taken to be there."""
        self._is_built = False

    @property
    def is_built(self) -> bool:
        """Whether the whole log was listed once."""
        return self._is_built

    @property
    def began(self) -> datetime | None:
        """When the oldest entry was stored (UTC), as S3 says; None when there is none."""
        return min((entry.last_modified for entry in self.entries.values()), default=None)

    def numbers(self, first: date, last: date) -> dict[BackupSlot, list[int]]:
        """The numbers of the entries about each slot of a range of days, in order."""
        with self._lock:
            # A manifest is written after its day: older entries are about days before the range.
            unclear = [
                number
                for number, entry in self.entries.items()
                if number not in self._slots and entry.last_modified.date() >= first
            ]
            read = zip(unclear, self._read([self.entries[number] for number in unclear]), strict=True)
            self._slots |= {number: self._slot_of(number, manifest) for number, manifest in read}
            found: dict[BackupSlot, list[int]] = {}
            for number, slot in sorted(self._slots.items()):
                if slot is not None and first <= slot.day <= last:
                    found.setdefault(slot, []).append(number)
            return found

    def _last_without_gap(self) -> int:
        """Not the highest: a forged number may be far beyond the real entries."""
        while self._continue_from + 1 in self.entries:
            self._continue_from += 1
        return self._continue_from

    def _told_by(self, manifests: VersionsBySlot) -> dict[int, BackupSlot | None]:
        """The slots of the entries whose bytes are stored for exactly one slot."""
        by_etag: dict[str, set[BackupSlot]] = {}
        for slot, versions in manifests.items():
            for version in versions:
                by_etag.setdefault(version.etag, set()).add(slot)
        told = {number: by_etag.get(entry.etag, set()) for number, entry in self.entries.items()}
        return {number: next(iter(slots)) for number, slots in told.items() if len(slots) == 1}

    def _slot_of(self, number: int, manifest: Manifest | None) -> BackupSlot | None:
        if manifest is None or manifest.number != number:
            return None
        return self._layout.slot_of(manifest.backup.key)
