"""Reads what a retention audit checks, with parallel requests.

Two requests for each day (HEAD of the backup, GET of the manifest), one for each drill report, and four listings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pydantic import ValidationError

from signal_backups.core.base.errors import ExitCode, UnsupportedError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.drill.run import DrillDay, DrillReport
from signal_backups.core.retention_audit.check_day import DayEvidence, DrillOutcome, ManifestState
from signal_backups.core.s3.bucket import BucketConfiguration
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.log_index import VersionsBySlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class BucketListing:
    """All versions and delete markers of backups, manifests and quarantine, newest first within a slot."""

    backups: VersionsBySlot
    manifests: VersionsBySlot
    quarantine: VersionsBySlot

    @property
    def oldest_day(self) -> date | None:
        """The oldest day with a backup or a manifest, hidden or not: a manifest shows that there was a backup."""
        return min((slot.day for slot in (*self.backups, *self.manifests)), default=None)


@dataclass(frozen=True)
class DrillOutcomes:
    """The last drill of each day, the number of drill reports, and the keys of those that cannot be read."""

    last: dict[date, DrillOutcome] = field(default_factory=dict)
    reports: int = 0
    unreadable: Sequence[str] = ()


def list_bucket(vault: BackupVault) -> BucketListing:
    """List backups, manifests and quarantine."""
    return BucketListing(
        backups=vault.backup_versions(date.min, date.max),
        manifests=vault.manifest_versions(date.min, date.max),
        quarantine=vault.quarantine_versions(date.min, date.max),
    )


def read_days(
    vault: BackupVault, listing: BucketListing, days: Sequence[date], drills: DrillOutcomes
) -> list[DayEvidence]:
    """Read the evidence of each day; days without an object need no request."""
    stored = vault.stored_days(min(days), max(days))

    def read(day: date) -> DayEvidence:
        drill, found = drills.last.get(day), stored.get(day)
        if found is None or found.state is DayState.DESTROYED:
            has_marker = any(slot.day == day for slot in listing.backups)
            return DayEvidence(day, is_hidden=has_marker, drill=drill, state=found.state if found else None)
        evidence = _read_day(vault, listing, found, drill)
        return replace(
            evidence,
            state=found.state,
            is_vouched_left=found.is_newest_left,
            has_lost_quarantine=found.has_lost_quarantine,
            other_keys=[version.key for version in found.others],
        )

    return in_parallel(read, days)


def read_drills(vault: BackupVault) -> DrillOutcomes:
    """Read all drill reports."""
    keys = sorted(item.key for item in vault.store.list_current(vault.layout.drill_prefix))
    reports = in_parallel(lambda key: _drill_report(vault, key), keys)
    last: dict[date, DrillOutcome] = {}
    for report in sorted((report for report in reports if report), key=lambda report: report.at):
        last.update({day.day: DrillOutcome(report.at, _problem(day)) for day in report.days})
    unreadable = [key for key, report in zip(keys, reports, strict=True) if report is None]
    return DrillOutcomes(last, len(keys), unreadable)


def has_transitions(configuration: BucketConfiguration) -> bool:
    """Whether the store transitions objects: Amazon S3 does, other stores if they keep such a rule."""
    if configuration.is_amazon:
        return True
    try:
        return any(rule.get("Transitions") for rule in configuration.lifecycle().rules)
    except UnsupportedError:
        return False


def _read_day(vault: BackupVault, listing: BucketListing, found: StoredDay, drill: DrillOutcome | None) -> DayEvidence:
    slot = found.slot
    versions = listing.backups[slot]
    is_hidden = versions[0].hides
    newest = next((version for version in versions if not version.is_delete_marker), None)
    if newest is None:
        return DayEvidence(slot.day, is_hidden=True, drill=drill)
    # Without a version id, HEAD returns the expiration.
    version = vault.store.head(newest.key, newest.version_id if is_hidden else None)
    manifest, state = found.manifest, ManifestState.READ
    if manifest is None or version is None or manifest.backup.version_id != version.version_id:
        # It may have been written since, together with the version.
        manifest, state = _manifest(vault, listing.manifests.get(slot, []), slot)
    return DayEvidence(slot.day, version, is_hidden, manifest, state, drill)


def _manifest(
    vault: BackupVault, versions: Sequence[ObjectVersion], slot: BackupSlot
) -> tuple[Manifest | None, ManifestState]:
    if not versions:
        return None, ManifestState.NONE
    if versions[0].is_delete_marker:
        return None, ManifestState.HIDDEN
    try:
        manifest = vault.manifest(slot)
    except VerificationError:
        return None, ManifestState.UNREADABLE
    return manifest, ManifestState.READ if manifest else ManifestState.NONE


def _drill_report(vault: BackupVault, key: str) -> DrillReport | None:
    body, _ = vault.store.get_bytes(key)
    try:
        return DrillReport.model_validate_json(body)
    except ValidationError:
        return None


def _problem(day: DrillDay) -> str | None:
    if day.restore.exit_code is ExitCode.OK:
        return None
    return day.restore.problem or str(day.restore.outcome)
