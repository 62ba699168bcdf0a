"""Which manifests are genuine: those in the manifest log, and those written before there was one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TypeVar

from signal_backups.core.base.errors import VerificationError, VouchedBackupLostError
from signal_backups.core.ledger.chained_log import first_stored
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.stored_days import newest_in_log
from signal_backups.core.vault.vault import BackupVault, SlotHistory

Name = TypeVar("Name")


def newest_manifest(vault: BackupVault, slot: BackupSlot) -> Manifest | None:
    """The genuine manifest of a slot that was written last, whatever lies on top of it, and whatever was destroyed.

    It is the one with the highest number in the manifest log, because somebody may have destroyed it, or put an older
    or a forged one on top. If the log has none of the slot, one that was written before there was a log. If there is no
    log at all, the newest that can be read: a bucket whose objects were copied from another without its log is compared
    all the same. None if there is none.
    """
    logged = newest_in_log(vault, slot)
    if logged is not None:
        return logged
    versions = vault.manifest_versions(slot.day, slot.day).get(slot, [])
    found = [(version, vault.manifest_at(version)) for version in versions if not version.is_delete_marker]
    readable = [(version, each) for version, each in found if each is not None and _is_of(vault, slot, each)]
    genuine = (each for version, each in readable if each.number is None and _is_older_than_log(vault, version))
    has_log = vault.manifest_log.first_stored_at() is not None
    return next(genuine, readable[0][1] if readable and not has_log else None)


def doubtful_manifest(vault: BackupVault, slot: BackupSlot, newest: Manifest | None) -> Manifest | None:
    """The newest stored manifest of a slot of which nobody can tell whether it was forged or lost its log entry.

    One whose number the log has with other content was forged, if the log knows the slot besides.

    Args:
        vault: where it is.
        slot: the slot.
        newest: the newest genuine manifest of the slot.
    """
    versions = vault.manifest_versions(slot.day, slot.day).get(slot, [])
    stored = [(version, vault.manifest_at(version)) for version in versions if not version.is_delete_marker]
    # After the manifests, so that the entry of each of them is known.
    vault.log_index.refresh()
    entries = vault.log_index.entries
    for version, manifest in stored:
        if manifest is None or manifest == newest or not _is_of(vault, slot, manifest):
            continue
        # What was vouched for after it has settled the matter, or its remedy would never end it.
        is_settled = newest is not None and (newest.number or 0) > (manifest.number or 0)
        is_unknown = manifest.number is not None and manifest.number not in entries and not is_settled
        if is_unknown or (newest is None and not _is_genuine_version(vault, manifest, version)):
            return manifest
    return None


def unknown_manifest(slot: BackupSlot) -> VouchedBackupLostError:
    """The error of whatever would replace the backup that a doubtful manifest names."""
    day = slot.day
    return VouchedBackupLostError(
        f"a manifest of {day} is not in the manifest log: it was forged, or its entry was destroyed, and the backup "
        "that it names may hold more",
        remedy="Examine what happened with: signal-backups audit verify. See the versions with: signal-backups "
        f"versions {day}; make a good one current with: signal-backups undelete {day} --version-id VERSION_ID; only if "
        f'the database is to be taken as it is: signal-backups backup {day} --accept-changes "REASON"',
    )


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
    """Whether the current manifest of a slot is in the manifest log, or was written before there was one."""
    if not _is_of(vault, slot, manifest):
        return False
    if manifest.number is not None:
        return is_in_log(vault, manifest)
    stored = vault.store.head(vault.layout.manifest_key(slot))
    return stored is not None and _is_older_than_log(vault, stored)


def genuine_histories(vault: BackupVault, first: date, last: date) -> list[SlotHistory]:
    """Like ``BackupVault.histories``, without the manifests that are not genuine."""
    histories = vault.histories(first, last)
    stored = {
        (history.slot, number): version
        for history in histories
        for number, (version, _) in enumerate(history.stored_manifests)
    }
    suspects = set(_not_in_listing(vault, stored.items()))
    return [
        replace(
            history,
            stored_manifests=[
                (version, manifest)
                for number, (version, manifest) in enumerate(history.stored_manifests)
                if (history.slot, number) not in suspects or _is_genuine_version(vault, manifest, version)
            ],
        )
        for history in histories
    ]


def _not_in_listing(vault: BackupVault, manifests: Iterable[tuple[Name, ObjectVersion]]) -> list[Name]:
    """Those of some stored manifests that a listing of the manifest log does not show to be in it.

    A manifest and its entry in the log have the same bytes, so mostly their ETags are the same. Where they are not, as
    under KMS, the objects have to be read.
    """
    entries = vault.manifest_log.versions()
    logged = {stored.etag for stored in map(first_stored, entries.values()) if stored}
    return [name for name, stored in manifests if stored.etag not in logged]


def _is_of(vault: BackupVault, slot: BackupSlot, manifest: Manifest) -> bool:
    """Whether it is about that slot: a genuine manifest of another day may have been copied there."""
    return manifest.day == slot.day and manifest.backup.key == vault.layout.backup_key(slot)


def _is_genuine_version(vault: BackupVault, manifest: Manifest, stored: ObjectVersion) -> bool:
    return is_in_log(vault, manifest) if manifest.number is not None else _is_older_than_log(vault, stored)


def _is_older_than_log(vault: BackupVault, stored: ObjectVersion) -> bool:
    """S3 itself says when an object was written, so nobody can pass a new manifest off as an old one."""
    vault.log_index.refresh()
    began = vault.log_index.began
    return began is None or stored.last_modified < began
