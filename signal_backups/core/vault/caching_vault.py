"""A vault that reads every version of a manifest only once, for repeated observations."""

from __future__ import annotations

from collections.abc import Sequence

from signal_backups.core.base.errors import ArchivedError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault


class CachingVault(BackupVault):
    """Another view of a vault. A version never changes, so a cached manifest is never out of date."""

    def __init__(self, vault: BackupVault) -> None:
        super().__init__(vault.store, vault.layout, actor=vault.trail.actor)
        self._cached: dict[ObjectVersion, Manifest | None] = {}

    def manifest_at(self, version: ObjectVersion) -> Manifest | None:
        """What one listed version of a manifest says; None when it cannot be read, is archived or is gone."""
        if version not in self._cached:
            try:
                self._cached[version] = super().manifest_at(version)
            except ArchivedError:
                self._cached[version] = None
        return self._cached[version]

    def read_manifests(self, versions: Sequence[ObjectVersion]) -> list[Manifest]:
        """The manifests that can be read of some versions, in their order; all others leave the cache."""
        found = in_parallel(self.manifest_at, versions)
        self._cached = {version: self._cached[version] for version in versions}
        return [manifest for manifest in found if manifest is not None]
