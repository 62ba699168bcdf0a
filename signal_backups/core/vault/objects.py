"""Reading the objects of one bucket and prefix as they are, without a judgement on them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from signal_backups.core.base.days import oldest_kept_day
from signal_backups.core.base.errors import NotFoundError, StoreError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.event import Actor
from signal_backups.core.ledger.rolling_segments import RollingSegments
from signal_backups.core.ledger.segment_line import Line
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.log_index import LogIndex, VersionsBySlot
from signal_backups.core.vault.manifest import Manifest


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


class VaultObjects:
    """The objects of one store and layout, with their audit trail and their manifest log.

    Args:
        store: the bucket.
        layout: where in it.
        actor: who works with them; default: this process's user.
        outbox: folder for audit events that cannot be stored now; see ``ledger.audit_trail``.
        retention_years: calendar years after which backups expire; None: never.
    """

    def __init__(
        self,
        store: S3ObjectStore,
        layout: Layout,
        *,
        actor: Actor | None = None,
        outbox: Path | None = None,
        retention_years: int | None = None,
    ) -> None:
        self.store = store
        self.layout = layout
        events = ChainedLog(store, layout.event_prefix, layout.probe_key)
        self.trail = AuditTrail(events, actor or Actor.here(), outbox, store.clock)
        self.manifest_log = ChainedLog(store, layout.manifest_log_prefix, layout.probe_key)
        self.retention_years = retention_years
        self.event_segments = RollingSegments(events, layout.rolling_segment_prefix("events"))
        self.manifest_segments = RollingSegments(self.manifest_log, layout.rolling_segment_prefix("manifests"))
        self.log_index = LogIndex(self.manifest_log, layout, self.manifest_versions, self.manifests_at)

    @property
    def kept_from(self) -> date:
        """The first day whose backup must still be kept today; earlier ones may have expired."""
        return oldest_kept_day(self.store.clock(), self.retention_years) if self.retention_years else date.min

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

    def manifests_at(self, versions: Sequence[ObjectVersion]) -> list[Manifest | None]:
        """What each of several listed versions of manifests says, like ``manifest_at``.

        Those that the rolling segments of the manifest log hold take few requests, however many they are.
        """
        held = self._held_in_segments(versions)
        return in_parallel(lambda version: held.get(version.etag) or self.manifest_at(version), versions)

    def _held_in_segments(self, versions: Sequence[ObjectVersion]) -> dict[str, Manifest | None]:
        """What rolling segments say of some manifests, by ETag; a manifest and its entry have the same bytes."""
        etags = {version.etag for version in versions}
        wanted = {number: entry for number, entry in self.log_index.entries.items() if entry.etag in etags}
        held = self.manifest_segments.read(wanted, lambda line: (line.etag, self._parsed(line)))
        return dict(held.values())

    def _parsed(self, line: Line) -> Manifest | None:
        try:
            return Manifest.from_bytes(line.body.encode(), self.store.uri(line.key))
        except VerificationError:
            return None

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

    @staticmethod
    def _range_prefix(prefix: str, first: date, last: date) -> str:
        """The narrowest prefix that covers a range of days: month, year or all."""
        if first.year != last.year:
            return prefix
        return f"{prefix}{first:%Y}/" + (f"{first:%m}/" if first.month == last.month else "")
