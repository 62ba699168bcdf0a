"""Deletions that an audit sees and nobody here did: each becomes one event of the audit trail, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.batch_events import named
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.retention_audit.evidence import Listed
from signal_backups.core.retention_audit.judge_day import DayEvidence
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class _Deletion:
    """A delete marker that is there ("seen"), or a version that was vouched for and is not there ("gone")."""

    name: ObjectName
    result: Result
    details: Mapping[str, str]


def record_deletions(vault: BackupVault, listed: Listed, days: Sequence[DayEvidence]) -> None:
    """Record deletions that have no audit event yet: delete markers, and vouched versions that no longer exist.

    The trail is read only when there is something to look for in it.

    Args:
        vault: where the backups are.
        listed: the listings of the audit; their delete markers count, of whatever day.
        days: the days it looked at; their manifests name versions that must be there.

    Raises:
        NotFoundError: the trail has a gap.
        VerificationError: it cannot be read.
        StoreError: the store cannot be reached or refuses.
    """
    found = [*_markers(listed), *_gone(vault, listed, days)]
    if not found:
        return
    recorded = _recorded(vault.trail)
    for deletion in found:
        if deletion.name not in recorded:
            vault.trail.record(Action.DELETION, deletion.result, [deletion.name], deletion.details)


def _recorded(trail: AuditTrail) -> set[ObjectName]:
    trail.write_waiting()
    return {name for event in trail.events() if event.action is Action.DELETION for name in event.objects}


def _markers(listed: Listed) -> Iterator[_Deletion]:
    for by_slot in (listed.backups, listed.manifests, listed.quarantine):
        for slot, versions in by_slot.items():
            for version in versions:
                if version.is_delete_marker:
                    since = f"{version.last_modified:%Y-%m-%dT%H:%M:%SZ}"
                    yield _Deletion(named(version), Result.SEEN, {"day": slot.day.isoformat(), "since": since})


def _gone(vault: BackupVault, listed: Listed, days: Sequence[DayEvidence]) -> Iterator[_Deletion]:
    by_kind = (listed.backups, listed.quarantine)
    stored = {named(version) for by_slot in by_kind for versions in by_slot.values() for version in versions}
    for manifest in _manifests(vault, listed, days):
        for file in (manifest.backup, manifest.quarantine):
            # Asked for once more, because the manifest may be newer than the listing.
            if file and named(file) not in stored and vault.store.head(file.key, file.version_id) is None:
                vouching = vault.layout.manifest_key(BackupSlot(manifest.day))
                yield _Deletion(named(file), Result.GONE, {"day": manifest.day.isoformat(), "vouched_by": vouching})


def _manifests(vault: BackupVault, listed: Listed, days: Sequence[DayEvidence]) -> Iterator[Manifest]:
    """The manifests the audit read, and those of days that have nothing else any more."""
    yield from (day.manifest for day in days if day.manifest)
    looked_at = {day.day for day in days}
    for slot in listed.manifests:
        if slot.day in looked_at and slot not in listed.backups:
            manifest = vault.readable_manifest(slot)
            if manifest:
                yield manifest
