"""Events that a killed run could not write any more.

On its own machine the next command that records anything writes them (``settle_announced``), anywhere else the next
backup of the day (``record_missing_events``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.announcements import AnnouncedManifest
from signal_backups.core.ledger.batch_events import named
from signal_backups.core.ledger.chained_log import ChainedLog, first_stored
from signal_backups.core.ledger.event import Action, ObjectName, Occurrence, Result
from signal_backups.core.ledger.tail import read_events, versions_since
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.genuine import newest_manifest
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest, Replacement
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import vouching_details

#: A killed run's manifest is looked for among so many of the newest in the log: its day is soon backed up again.
NEWEST_MANIFESTS = 16
#: Events are read in lists of this size; the right one is mostly in the first.
_PART = 8
#: So many events after a manifest are read at the most; an event too many does no harm.
MOST_EVENTS = 1000

#: Detail of an event that a later run wrote.
AFTERWARDS = {"recorded_afterwards": True}


def record_missing_events(vault: BackupVault, slot: BackupSlot, before: Manifest | None) -> None:
    """Write the events of the day's manifests that have none, although the runs that wrote them are over or seem so.

    Takes two listings and some requests in parallel, for each manifest of the day among the newest two listings more.

    Args:
        vault: where they are.
        slot: the day.
        before: the manifest that vouches for its backup; None when there is none.

    Raises:
        StoreError: the store cannot be reached.
    """
    for manifest, stored in _manifests(vault, slot, before):
        _record_if_missing(vault, manifest, stored, stands=manifest == before)


def settle_announced(vault: BackupVault, announced: AnnouncedManifest) -> None:
    """Write the event of a manifest that was announced; nothing if it was never logged, or has its event.

    Raises:
        StoreError: the store cannot be reached.
    """
    log = vault.manifest_log
    stored = first_stored(log.store.list_versions(log.key_of(announced.number)))
    if stored is None:
        return
    body, _ = log.store.get_bytes(stored.key, stored.version_id)
    if sha256(body).hexdigest() != announced.sha256:
        return  # another writer took the number
    manifest = Manifest.from_bytes(body, stored.key)
    slot = vault.layout.slot_of(manifest.backup.key) or BackupSlot(manifest.day)
    stands = _was_put(vault, slot, body) and manifest == newest_manifest(vault, slot)
    _record_if_missing(vault, manifest, stored, stands=stands)


def _was_put(vault: BackupVault, slot: BackupSlot, body: bytes) -> bool:
    """Whether a logged manifest was also stored as the manifest of its day."""
    store = vault.store
    versions = store.list_versions(vault.layout.manifest_key(slot))
    same_size = (each for each in versions if not each.is_delete_marker and each.size == len(body))
    return any(store.get_bytes(each.key, each.version_id)[0] == body for each in same_size)


def _record_if_missing(vault: BackupVault, manifest: Manifest, stored: ObjectVersion, *, stands: bool) -> None:
    waiting = vault.trail.waiting_events()
    if any(_names(event, manifest) for event in waiting):
        return
    events: list[Occurrence] = list(waiting)
    for event in _events_since(vault, stored):
        events.append(event)
        if _names(event, manifest):
            return
    _record(vault, manifest, events, stands=stands)


def _manifests(
    vault: BackupVault, slot: BackupSlot, before: Manifest | None
) -> Iterator[tuple[Manifest, ObjectVersion]]:
    """The manifest that vouches for the day, and those of the day among the newest of the log."""
    log = vault.manifest_log
    entries = _newest_entries(log)
    if before is not None and before.number is not None and before.number not in entries:
        stored = first_stored(log.store.list_versions(log.key_of(before.number)))
        entries |= {before.number: stored} if stored is not None else {}

    def read(version: ObjectVersion) -> Manifest | None:
        try:
            return Manifest.from_bytes(log.store.get_bytes(version.key, version.version_id)[0], version.key)
        except VerificationError:
            return None  # finding it is the job of ``audit verify``

    for version, manifest in zip(entries.values(), in_parallel(read, entries.values()), strict=True):
        if manifest is not None and manifest.day == slot.day:
            yield manifest, version


def _newest_entries(log: ChainedLog) -> dict[int, ObjectVersion]:
    """The newest entries by number, each as it was first stored."""
    found: dict[int, ObjectVersion] = {}
    for folder in log.store.list_folders(log.prefix)[-1:]:
        for version in reversed(log.store.list_versions(folder)):
            number = log.number_of(version.key)
            if number is not None and not version.is_delete_marker:
                found.setdefault(number, version)
    return dict(sorted(found.items())[-NEWEST_MANIFESTS:])


def _events_since(vault: BackupVault, manifest: ObjectVersion) -> Iterator[Occurrence]:
    log = vault.trail.log
    versions = versions_since(log, manifest.last_modified)[:MOST_EVENTS]
    for start in range(0, len(versions), _PART):
        yield from read_events(log, versions[start : start + _PART])


def _names(event: Occurrence, manifest: Manifest) -> bool:
    return bool(event.details.get("manifest") == vouching_details(manifest)["manifest"])


def _record(vault: BackupVault, manifest: Manifest, events: Iterable[Occurrence], *, stands: bool) -> None:
    replacement = _replacement_of(manifest)
    if stands and replacement is not None and not any(_is_about(event, manifest) for event in events):
        record_replacement(vault, manifest, replacement, AFTERWARDS)
    details: dict[str, Any] = backup_details(manifest) | vouching_details(manifest) | AFTERWARDS
    details["run_id"] = manifest.run_id
    action, result = (Action.BACKUP, Result.STORED) if stands else (Action.BACKUP, Result.OVERTAKEN)
    if stands and manifest.copied_from is not None:
        action, result = Action.UNDELETE, Result.COPIED_UP
        details["copied_from"] = manifest.copied_from
    vault.trail.record(action, result, objects_of(manifest), details, at=manifest.finished_at)


def _replacement_of(manifest: Manifest) -> Replacement | None:
    """The replacement that a manifest is itself, rather than one that it remembers."""
    last = manifest.replacements[-1] if manifest.replacements else None
    return last if last is not None and manifest.started_at <= last.at <= manifest.finished_at else None


def _is_about(event: Occurrence, manifest: Manifest) -> bool:
    return event.action is Action.CHANGES_ACCEPTED and named(manifest.backup) in event.objects


def objects_of(manifest: Manifest) -> list[ObjectName]:
    """The objects that an event of a backup names."""
    files = [manifest.backup, *([manifest.quarantine] if manifest.quarantine else [])]
    return [named(file) for file in files]


def backup_details(manifest: Manifest) -> dict[str, Any]:
    """What an event of a backup says of it."""
    details: dict[str, Any] = {
        "day": manifest.day.isoformat(),
        "records": manifest.records,
        "quarantined": manifest.quarantined,
        "sha256": manifest.backup.sha256,
    }
    if manifest.differences is not None:
        details["differences"] = manifest.differences.model_dump(mode="json")
    return details


def record_replacement(vault: BackupVault, manifest: Manifest, replacement: Replacement, more: dict[str, Any]) -> None:
    """Write the event of a replacement, with more details."""
    objects = [*objects_of(manifest), *([named(replacement.rows)] if replacement.rows else [])]
    details: dict[str, Any] = {
        "day": manifest.day.isoformat(),
        "reason": replacement.reason,
        "altered": replacement.altered,
        "removed": replacement.removed,
    }
    vault.trail.record(Action.CHANGES_ACCEPTED, Result.REPLACED, objects, details | more)
