"""Reading what a retention audit judges: all of a bucket's backups, with requests in bulk and side by side.

Two requests a day (HEAD of the backup, GET of the manifest), one a drill report, and the pages of four listings.
What does not belong here: judgement (``judging``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from pydantic import ValidationError

from signal_backups.core.base.errors import ExitCode, UnsupportedError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.drill.run import DrillDay, DrillReport
from signal_backups.core.retention_audit.judge_day import DayEvidence, DrillOutcome, ManifestState
from signal_backups.core.s3.bucket import BucketConfiguration
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault, VersionsBySlot


@dataclass(frozen=True)
class Listed:
    """All versions and delete markers of backups, manifests and quarantine, newest first within a slot."""

    backups: VersionsBySlot
    manifests: VersionsBySlot
    quarantine: VersionsBySlot

    @property
    def oldest_day(self) -> date | None:
        """The oldest day that anything is listed of, hidden or not: a manifest shows that there once was a backup."""
        return min((slot.day for slot in (*self.backups, *self.manifests)), default=None)


@dataclass(frozen=True)
class Drills:
    """The results of all drills: the last one of each day, the number of reports, and keys that cannot be read."""

    last: dict[date, DrillOutcome] = field(default_factory=dict)
    reports: int = 0
    unreadable: Sequence[str] = ()


def list_bucket(vault: BackupVault) -> Listed:
    """List backups, manifests and quarantine, all pages."""
    return Listed(
        backups=vault.backup_versions(date.min, date.max),
        manifests=vault.manifest_versions(date.min, date.max),
        quarantine=vault.quarantine_versions(date.min, date.max),
    )


def read_days(vault: BackupVault, listed: Listed, days: Sequence[date], drills: Drills) -> list[DayEvidence]:
    """Read what S3 shows of each day; days without an object cost no request."""
    slots: dict[date, list[BackupSlot]] = {}
    for slot in listed.backups:
        slots.setdefault(slot.day, []).append(slot)

    def read(day: date) -> DayEvidence:
        drill = drills.last.get(day)
        return _read_day(vault, listed, _chosen(slots[day]), drill) if day in slots else DayEvidence(day, drill=drill)

    return in_parallel(read, days)


def read_drills(vault: BackupVault) -> Drills:
    """Read every drill's report."""
    keys = sorted(item.key for item in vault.store.list_current(vault.layout.drill_prefix))
    reports = in_parallel(lambda key: _drill_report(vault, key), keys)
    last: dict[date, DrillOutcome] = {}
    for report in sorted((report for report in reports if report), key=lambda report: report.at):
        last.update({day.day: DrillOutcome(report.at, _problem(day)) for day in report.days})
    unreadable = [key for key, report in zip(keys, reports, strict=True) if report is None]
    return Drills(last, len(keys), unreadable)


def moves_objects(configuration: BucketConfiguration) -> bool:
    """Whether the store moves objects between storage classes: Amazon's does, others where such a rule is stored."""
    if configuration.is_amazon:
        return True
    try:
        return any(rule.get("Transitions") for rule in configuration.lifecycle().rules)
    except UnsupportedError:
        return False


def _chosen(slots: Sequence[BackupSlot]) -> BackupSlot:
    """The slot of the scheduled time, else the latest that an older tool wrote."""
    scheduled = BackupSlot(slots[0].day)
    return scheduled if scheduled in slots else max(slots)


def _read_day(vault: BackupVault, listed: Listed, slot: BackupSlot, drill: DrillOutcome | None) -> DayEvidence:
    versions = listed.backups[slot]
    is_hidden = versions[0].hides
    below = next((version for version in versions if not version.is_delete_marker), None)
    if below is None:
        return DayEvidence(slot.day, is_hidden=True, drill=drill)
    # Without a version id S3 shows the expiration, and the manifest read next is as new as what it vouches for.
    version = vault.store.head(below.key, below.version_id if is_hidden else None)
    manifest, state = _manifest(vault, listed.manifests.get(slot, []), slot)
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
