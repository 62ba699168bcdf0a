"""Verified writes: a CSV is stored and read back, and only then does a manifest vouch for it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.digest import digest as digest_of
from signal_backups.core.base.errors import ConflictError, ReadBackError, VerificationError
from signal_backups.core.ledger.announcements import AnnouncedManifest
from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.signals.csv_file import extras_of
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.signals.verify_report import Expected, VerifyReport
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import CSV_FORMAT, CSV_FORMAT_WITH_EXTRAS, Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault

CSV_TYPE = "text/csv; charset=utf-8"
#: How often a manifest is logged while other runs of its day do the same.
MANIFEST_ATTEMPTS = 10


@dataclass(frozen=True)
class Latest:
    """In place of a version: the one that is current when it matters."""


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
    csv_format = CSV_FORMAT_WITH_EXTRAS if extras_of(path) else CSV_FORMAT
    metadata = {"partition": day.isoformat(), "record_count": str(records), "format_version": str(csv_format)}
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


def write_manifest(
    vault: BackupVault, slot: BackupSlot, manifest: Manifest, replaces: ObjectVersion | Latest | None = Latest()
) -> Manifest:
    """Let a manifest vouch for its backup from now on; returns it with its place in the manifest log.

    It is appended to the manifest log first: whatever vouches for a backup is in the log. Of several runs at the same
    time one ends with the manifest that stands: it vouches for the current object, and is the last of the day in the
    log.

    Args:
        vault: where to.
        slot: which backup.
        manifest: what vouches for it.
        replaces: the day's manifest object, as it was before the backup was compared with anything; by default, as it
            is now. None when there was none.

    Raises:
        ConflictError: another run stored a newer version of the day in the meantime.
        VerificationError: the store returns other bytes than were sent.
    """
    return _ManifestWriter(vault, slot, manifest).write(replaces)


class _ManifestWriter:
    """Writes one manifest; ``_logged`` are the entries that it made on the way."""

    def __init__(self, vault: BackupVault, slot: BackupSlot, manifest: Manifest) -> None:
        self._vault = vault
        self._slot = slot
        self._key = vault.layout.manifest_key(slot)
        self._manifest = manifest
        self._logged: list[Manifest] = []

    def write(self, replaces: ObjectVersion | Latest | None) -> Manifest:
        """See ``write_manifest``."""
        try:
            return self._write(replaces)
        except BaseException:
            self._vault.trail.release_announced()
            raise

    def _write(self, replaces: ObjectVersion | Latest | None) -> Manifest:
        standing = self._stored() if isinstance(replaces, Latest) else replaces
        for _ in range(MANIFEST_ATTEMPTS):
            logged = self._append(self._manifest)
            if not _is_current(self._vault, logged):
                break
            try:
                version_id = self._put(logged, standing)
            except ConflictError:
                standing = self._stored()
                if not self._may_try_again():
                    break
                continue
            # A run that became current meanwhile cannot know that this one got so far.
            if not _is_current(self._vault, logged):
                break
            if not self._is_followed(logged):
                self._record_others(logged)
                return logged
            standing = self._vault.store.head(self._key, version_id)
        raise self._overtaken()

    def _append(self, manifest: Manifest) -> Manifest:
        trail, announced = self._vault.trail, list[AnnouncedManifest]()

        def body_of(link: Link) -> bytes:
            body = manifest.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()
            announced.append(AnnouncedManifest(day=manifest.day, number=link.number, sha256=sha256(body).hexdigest()))
            trail.announce(announced[-1])
            return body

        entry = self._vault.manifest_log.append(body_of)
        for each in announced:
            if each.sha256 != entry.sha256:
                trail.withdraw(each)  # another writer took that number
        self._logged.append(Manifest.from_bytes(entry.body, self._vault.store.uri(entry.key)))
        return self._logged[-1]

    def _put(self, logged: Manifest, replaces: ObjectVersion | None) -> str:
        body, store = logged.to_bytes(), self._vault.store
        version_id = store.replace_bytes(self._key, body, JSON_TYPE, replaces=replaces)
        if store.get_bytes(self._key, version_id)[0] != body:
            raise VerificationError(f"{store.uri(self._key)} is not what was sent", remedy="Run it again")
        return version_id

    def _stored(self) -> ObjectVersion | None:
        return self._vault.store.head(self._key)

    def _may_try_again(self) -> bool:
        """Whether what is stored now is this manifest, logged once more, or vouches for an object that is not current.

        In the second case its run finds the same, and fails.
        """
        standing = self._vault.readable_manifest(self._slot)
        return standing is None or _is_same(standing, self._manifest) or not _is_current(self._vault, standing)

    def _is_followed(self, logged: Manifest) -> bool:
        """Whether another manifest of the day is in the log after this one."""
        log, number = self._vault.manifest_log, logged.number or 0
        while (entry := log.entry(number := number + 1)) is not None:
            with suppress(VerificationError):  # finding entries that cannot be read is the job of ``audit verify``
                if Manifest.from_bytes(entry.body, entry.key).day == self._slot.day:
                    return True
        return False

    def _overtaken(self) -> ConflictError:
        """Let the manifest that stands be the last of the day in the log; returns the error of this run."""
        last, again = self._logged[-1], []
        for _ in range(MANIFEST_ATTEMPTS):
            stored = self._stored()
            standing = self._vault.readable_manifest(self._slot)
            # A run whose object is current, and whose manifest is not stored yet, looks at the log itself.
            if standing is None or not _is_current(self._vault, standing) or _number(standing) >= _number(last):
                break
            last = self._append(standing)
            with suppress(ConflictError):
                self._put(last, stored)
                again.append(last)
        self._record_others(*again)
        for manifest in again:
            self._record(Result.VOUCHED_AGAIN, manifest)
        backup = self._manifest.backup
        return ConflictError(
            f"the backup of {self._slot.day} was overtaken: another run stored the day at the same time, and version "
            f"{backup.version_id} of {self._vault.store.uri(backup.key)} is not the one that stands",
            remedy=f"Run it again; see what stands with: signal-backups versions {self._slot.day}",
            transient=True,
        )

    def _record_others(self, *told: Manifest) -> None:
        """Write an event for each entry of which no other event tells."""
        for manifest in self._logged:
            if manifest not in told:
                self._record(Result.OVERTAKEN, manifest)

    def _record(self, result: Result, manifest: Manifest) -> None:
        named = ObjectName(key=manifest.backup.key, version_id=manifest.backup.version_id)
        details = {"day": manifest.day.isoformat()} | vouching_details(manifest)
        self._vault.trail.record(Action.BACKUP, result, [named], details)


def _is_current(vault: BackupVault, manifest: Manifest) -> bool:
    current = vault.store.head(manifest.backup.key)
    return current is not None and current.version_id == manifest.backup.version_id


def _is_same(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests differ in their places in the log only."""
    no_place = {"number": None, "previous": None}
    return one.model_copy(update=no_place) == other.model_copy(update=no_place)


def _number(manifest: Manifest) -> int:
    return manifest.number or 0
