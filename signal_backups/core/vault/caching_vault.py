"""A vault that reads every version of a manifest only once, for repeated observations."""

from __future__ import annotations

from collections.abc import Sequence

from signal_backups.core.base.errors import ArchivedError
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault

#: What each version of a manifest says; None when it cannot be read, or is archived.
ManifestCache = dict[ObjectVersion, Manifest | None]


class CachingVault(BackupVault):
    """Another view of a vault. A version never changes, so a cached manifest is never out of date.

    Args:
        vault: the vault.
        cache: what was read before; it is added to.
    """

    def __init__(self, vault: BackupVault, cache: ManifestCache | None = None) -> None:
        super().__init__(vault.store, vault.layout, actor=vault.trail.actor, retention_years=vault.retention_years)
        self._cached: ManifestCache = {} if cache is None else cache

    def manifests_at(self, versions: Sequence[ObjectVersion]) -> list[Manifest | None]:
        """What each of several listed versions of manifests says; only those that are not cached are read."""
        new = [version for version in versions if version not in self._cached]
        self._cached |= zip(new, super().manifests_at(new), strict=True)
        return [self._cached[version] for version in versions]

    def manifest_at(self, version: ObjectVersion) -> Manifest | None:
        """What one listed version of a manifest says; None when it cannot be read, is archived or is gone."""
        if version not in self._cached:
            try:
                self._cached[version] = super().manifest_at(version)
            except ArchivedError:
                self._cached[version] = None
        return self._cached[version]
