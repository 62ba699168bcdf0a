"""Which manifests are genuine: those in the manifest log, and those written before there was one."""

from __future__ import annotations

from collections.abc import Mapping

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault


def newest_manifest(vault: BackupVault, slot: BackupSlot) -> Manifest | None:
    """The newest manifest of a slot that is in the manifest log, also below a delete marker or a forged one.

    If none is in the log, the newest that can be read; None if there is none.
    """
    current = vault.readable_manifest(slot)
    if current is not None and is_in_log(vault, current):
        return current
    versions = vault.manifest_versions(slot.day, slot.day).get(slot, [])
    found = [vault.manifest_at(version) for version in versions if not version.is_delete_marker]
    readable = [manifest for manifest in found if manifest is not None]
    return next((each for each in readable if is_in_log(vault, each)), readable[0] if readable else None)


def is_in_log(vault: BackupVault, manifest: Manifest) -> bool:
    """Whether the manifest log has this manifest; those of the first releases are in no log."""
    entry = vault.manifest_log.entry(manifest.number) if manifest.number is not None else None
    if entry is None:
        return False
    try:
        return Manifest.from_bytes(entry.body, vault.store.uri(entry.key)) == manifest
    except VerificationError:
        return False


def is_genuine(vault: BackupVault, slot: BackupSlot, manifest: Manifest) -> bool:
    """Whether the current manifest of a slot is in the manifest log, or was written before there was one.

    S3 itself says when an object was written, so nobody can pass a new manifest off as an old one.
    """
    if manifest.number is not None:
        return is_in_log(vault, manifest)
    began = vault.manifest_log.first_stored_at()
    stored = vault.store.head(vault.layout.manifest_key(slot)) if began else None
    return began is None or (stored is not None and stored.last_modified < began)


def forged_manifests(
    vault: BackupVault, manifests: Mapping[BackupSlot, ObjectVersion], most: int | None = None
) -> set[BackupSlot]:
    """The slots whose current manifest is not genuine.

    A manifest and its entry in the log have the same bytes, so mostly the ETags of two listings tell. Only where they
    differ, the newest ``most`` of them (None: all), are manifest and entry read. Without a log nothing can be told.
    """
    entries = vault.manifest_log.versions()
    if not entries:
        return set()
    logged = {version.etag for versions in entries.values() for version in versions}
    suspects = sorted(slot for slot, stored in manifests.items() if stored.etag not in logged)[::-1][:most]

    def is_forged(slot: BackupSlot) -> bool:
        manifest = vault.manifest_at(manifests[slot])
        return manifest is not None and not is_genuine(vault, slot, manifest)

    found = zip(suspects, in_parallel(is_forged, suspects), strict=True)
    return {slot for slot, forged in found if forged}
