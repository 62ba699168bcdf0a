"""Records deletions that are not in the audit trail yet, one event for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.batch_events import named
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.retention_audit.check_day import DayEvidence
from signal_backups.core.retention_audit.evidence import BucketListing
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class _Deletion:
    """A delete marker (result "seen"), or a vouched version that no longer exists (result "gone")."""

    name: ObjectName
    result: Result
    details: Mapping[str, str]


def record_deletions(vault: BackupVault, listing: BucketListing, days: Sequence[DayEvidence]) -> None:
    """Record delete markers and missing vouched versions that have no audit event yet.

    The audit trail is read only if there are any.

    Args:
        vault: the vault of the backups.
        listing: what the audit listed; its delete markers count, whatever their day.
        days: the audited days; the versions in their manifests must exist.

    Raises:
        NotFoundError: the audit trail has a gap.
        VerificationError: the audit trail cannot be read.
        StoreError: the store cannot be reached or refuses.
    """
    found = [*_markers(listing), *_gone(vault, listing, days)]
    if not found:
        return
    recorded = _recorded(vault.trail)
    for deletion in found:
        if deletion.name not in recorded:
            vault.trail.record(Action.DELETION, deletion.result, [deletion.name], deletion.details)


def _recorded(trail: AuditTrail) -> set[ObjectName]:
    trail.write_waiting()
    return {name for event in trail.events() if event.action is Action.DELETION for name in event.objects}


def _markers(listing: BucketListing) -> Iterator[_Deletion]:
    for by_slot in (listing.backups, listing.manifests, listing.quarantine):
        for slot, versions in by_slot.items():
            for version in versions:
                if version.is_delete_marker:
                    since = f"{version.last_modified:%Y-%m-%dT%H:%M:%SZ}"
                    yield _Deletion(named(version), Result.SEEN, {"day": slot.day.isoformat(), "since": since})


def _gone(vault: BackupVault, listing: BucketListing, days: Sequence[DayEvidence]) -> Iterator[_Deletion]:
    by_kind = (listing.backups, listing.quarantine)
    stored = {named(version) for by_slot in by_kind for versions in by_slot.values() for version in versions}
    for manifest in _manifests(vault, listing, days):
        for file in (manifest.backup, manifest.quarantine):
            # The manifest may be newer than the listing, so S3 is asked again.
            if file and named(file) not in stored and vault.store.head(file.key, file.version_id) is None:
                vouching = vault.layout.manifest_key(BackupSlot(manifest.day))
                yield _Deletion(named(file), Result.GONE, {"day": manifest.day.isoformat(), "vouched_by": vouching})


def _manifests(vault: BackupVault, listing: BucketListing, days: Sequence[DayEvidence]) -> Iterator[Manifest]:
    """The manifests that the audit read, and those of days whose backup no longer exists."""
    yield from (day.manifest for day in days if day.manifest)
    audited = {day.day for day in days}
    for slot in listing.manifests:
        if slot.day not in audited or slot in listing.backups:
            continue
        if manifest := vault.readable_manifest(slot):
            yield manifest
