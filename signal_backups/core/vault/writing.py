"""Verified writes: a CSV is stored and read back, and only then does a manifest vouch for it."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.digest import digest as digest_of
from signal_backups.core.base.errors import ConflictError, ReadBackError, VerificationError
from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import CSV_FORMAT, Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault

CSV_TYPE = "text/csv; charset=utf-8"


def vouching_details(manifest: Manifest) -> dict[str, Any]:
    """What an audit event says of a manifest just written: its number in the manifest log, and its SHA-256."""
    return {"manifest": {"number": manifest.number, "sha256": sha256(manifest.to_bytes()).hexdigest()}}


def put_csv(vault: BackupVault, key: str, path: Path, digest: FileDigest, records: int, day: date) -> StoredFile:
    """Store a CSV as the current version of its key.

    Args:
        vault: where to.
        key: the object's key.
        path: the file.
        digest: of the file, made when it was written; a file that was changed since is not stored.
        records: how many signals it has.
        day: their UTC day.

    Raises:
        ConflictError: somebody else wrote the object at the same time.
        StoreError: the bucket does not keep versions, or the store cannot be reached or refuses.
        VerificationError: the file is not what its digest says.
    """
    vault.require_versioning()
    metadata = {"partition": day.isoformat(), "record_count": str(records), "format_version": str(CSV_FORMAT)}
    current = vault.store.head(key)
    version_id = vault.store.put_file(key, path, metadata, CSV_TYPE, digest=digest, replaces=current)
    return StoredFile(key=key, version_id=version_id, bytes=digest.bytes, sha256=digest.sha256)


def put_evidence(vault: BackupVault, key: str, path: Path, digest: FileDigest, records: int, day: date) -> StoredFile:
    """Store a CSV that is not itself a backup, such as quarantined rows, and read it back; see ``put_csv``.

    Raises:
        VerificationError: besides, the store returns other bytes than were sent.
    """
    stored = put_csv(vault, key, path, digest, records, day)
    downloaded = path.with_suffix(".downloaded")
    vault.store.get_file(key, stored.version_id, downloaded)
    if digest_of(downloaded).sha256 != stored.sha256:
        raise VerificationError(f"{vault.store.uri(key)} is not what was sent", remedy="Run it again")
    return stored


def read_back(
    vault: BackupVault, stored: StoredFile, expected: Expected, target: Path, sample: int | None = None
) -> VerifyReport:
    """Download what was stored and verify it.

    Raises:
        ReadBackError: what came back is not what was sent.
    """
    vault.store.get_file(stored.key, stored.version_id, target)
    verification = verify_csv(target, expected, sample)
    if not verification.ok:
        raise ReadBackError(
            f"{vault.store.uri(stored.key)} version {stored.version_id} is not what was sent: "
            f"{'; '.join(verification.problems)}",
            remedy="The last good backup still stands; run it again, and suspect the store if it repeats",
        )
    return verification


def write_manifest(vault: BackupVault, slot: BackupSlot, manifest: Manifest) -> Manifest:
    """Let a manifest vouch for its backup from now on; returns it with its place in the manifest log.

    It is appended to the manifest log first: whatever vouches for a backup is in the log.

    Raises:
        ConflictError: another run stored a newer version of the day in the meantime.
        VerificationError: the store returns other bytes than were sent.
    """

    def body_of(link: Link) -> bytes:
        return manifest.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()

    key, body = vault.layout.manifest_key(slot), vault.manifest_log.append(body_of).body
    if not _is_current(vault, manifest):
        _vouch_again(vault, slot)
        stored = manifest.backup
        raise ConflictError(
            f"the backup of {slot.day} was overtaken: version {stored.version_id} of {vault.store.uri(stored.key)} "
            "is no longer the current one",
            remedy=f"Another run stored the day meanwhile; run it again: signal-backups backup {slot.day}",
        )
    version_id = vault.store.put_bytes(key, body, JSON_TYPE)
    if vault.store.get_bytes(key, version_id)[0] != body:
        raise VerificationError(f"{vault.store.uri(key)} is not what was sent", remedy="Run it again")
    return Manifest.from_bytes(body, vault.store.uri(key))


def _is_current(vault: BackupVault, manifest: Manifest) -> bool:
    current = vault.store.head(manifest.backup.key)
    return current is not None and current.version_id == manifest.backup.version_id


def _vouch_again(vault: BackupVault, slot: BackupSlot) -> None:
    """Let the log's last entry of the day be the manifest that stands; an overtaken run has just added another."""
    standing = vault.readable_manifest(slot)
    if standing is not None and _is_current(vault, standing):
        write_manifest(vault, slot, standing)
