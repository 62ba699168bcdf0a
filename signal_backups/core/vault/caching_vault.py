"""A vault for those who look again and again: what it listed last, and every version of a manifest read only once.

A version never changes, so nothing that is remembered of one can be out of date; which versions there are, every
listing tells anew.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

from signal_backups.core.base.errors import ArchivedError, NotFoundError, VerificationError
from signal_backups.core.s3.store import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault, VersionsBySlot

_READERS = 16


class CachingVault(BackupVault):
    """Another view of a vault."""

    def __init__(self, vault: BackupVault) -> None:
        super().__init__(vault.store, vault.layout, actor=vault.trail.actor)
        self.backups_listed: list[ObjectVersion] = []
        self._listed: dict[BackupSlot, ObjectVersion] = {}
        self._read: dict[ObjectVersion, Manifest | None] = {}

    def backup_versions(self, first: date, last: date) -> VersionsBySlot:
        """As of any vault; ``backups_listed`` has the current ones of them from then on."""
        found = super().backup_versions(first, last)
        self.backups_listed = list(_current(found).values())
        return found

    def manifest_versions(self, first: date, last: date) -> VersionsBySlot:
        """As of any vault; the current ones are read side by side, unless they were before."""
        found = super().manifest_versions(first, last)
        self._listed = _current(found)
        known = {version: self._read[version] for version in self._listed.values() if version in self._read}
        new = [version for version in self._listed.values() if version not in known]
        with ThreadPoolExecutor(_READERS) as readers:
            self._read = known | dict(zip(new, readers.map(self._manifest_of, new), strict=True))
        return found

    def readable_manifest(self, slot: BackupSlot) -> Manifest | None:
        """The manifest that was current when manifests were listed last; None when it could not be read."""
        listed = self._listed.get(slot)
        return self._read[listed] if listed else None

    def manifests_listed(self) -> list[Manifest]:
        """The manifests that were current then, oldest day first, but for those that could not be read."""
        found = (self.readable_manifest(slot) for slot in sorted(self._listed))
        return [manifest for manifest in found if manifest is not None]

    def _manifest_of(self, version: ObjectVersion) -> Manifest | None:
        try:
            body, _ = self.store.get_bytes(version.key, version.version_id)
            return Manifest.from_bytes(body, self.store.uri(version.key))
        except (VerificationError, NotFoundError, ArchivedError):
            return None  # one that cannot be read vouches for nothing


def _current(versions: VersionsBySlot) -> dict[BackupSlot, ObjectVersion]:
    return {slot: stored[0] for slot, stored in versions.items() if not stored[0].hides}
