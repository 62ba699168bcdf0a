"""Compares a bucket with its retention profile, in five checks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from pydantic import BaseModel

from signal_backups.core.base.days import Clock, next_midnight, utc_now, years_after
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import setup_plan_of
from signal_backups.core.retention.setup_plan import Setting, SetupPlan
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault

#: Number of newest backups whose lock is read.
NEWEST_LOCKS = 7


class PolicyCheck(StrEnum):
    """One comparison of the bucket with its profile."""

    VERSIONING = "versioning_enabled"
    LIFECYCLE = "lifecycle_matches_profile"
    PUBLIC_ACCESS = "public_access_blocked"
    OBJECT_LOCK = "object_lock_matches_profile"
    DELETE_MARKERS = "no_unexpected_delete_markers"


class PolicyFinding(BaseModel, frozen=True):
    """The result of one check: deviations from the profile, how to fix them, and what this store does not support."""

    check: PolicyCheck
    deviations: tuple[str, ...] = ()
    remedy: str | None = None
    unsupported: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no deviation."""
        return not self.deviations


class PolicyReport(BaseModel, frozen=True):
    """The results of all checks."""

    bucket: str
    profile: str
    findings: tuple[PolicyFinding, ...]


def examine_policy(vault: BackupVault, profile: Profile, clock: Clock = utc_now) -> PolicyReport:
    """Compare a vault's bucket with a profile, without changing anything.

    Raises:
        StoreError: the store cannot be reached or does not allow it.
    """
    setup = setup_plan_of(vault, profile)
    findings = (
        _of_setting(setup, PolicyCheck.VERSIONING, Setting.VERSIONING),
        _lifecycle(setup),
        _of_setting(setup, PolicyCheck.PUBLIC_ACCESS, Setting.PUBLIC_ACCESS),
        _locks(vault, setup, profile),
        _markers(vault, profile, clock),
    )
    return PolicyReport(bucket=setup.bucket, profile=profile.name, findings=findings)


def hidden_objects(vault: BackupVault, profile: Profile, clock: Clock = utc_now) -> list[ObjectVersion]:
    """The newest entry of each object that must be visible and is not: usually a delete marker.

    Ceph 16 can lose the current version in a transition; then the newest entry is a version that is not the latest.
    """
    now = clock()
    return [
        versions[0]
        for prefix in vault.layout.all_prefixes
        for versions in _by_key(vault.store.list_versions(prefix))
        if versions[0].hides
        and any(_visible_until(each, profile) > now for each in versions if not each.is_delete_marker)
    ]


def _visible_until(version: ObjectVersion, profile: Profile) -> datetime:
    """Until when it must be visible; a profile that expires it too early is a problem of the retention audit."""
    expires = next_midnight(version.last_modified + timedelta(days=profile.keep.backups.expire_days))
    return min(expires, years_after(version.last_modified, profile.retention_years))


def _by_key(versions: Iterable[ObjectVersion]) -> list[list[ObjectVersion]]:
    return [list(group) for _, group in groupby(versions, key=lambda version: version.key)]


def _of_setting(setup: SetupPlan, check: PolicyCheck, setting: Setting) -> PolicyFinding:
    change = setup.change(setting)
    return PolicyFinding(
        check=check,
        deviations=("it is off",) if change else (),
        remedy="signal-backups init" if change else None,
        unsupported=setup.missing_capabilities.get(setting),
    )


def _lifecycle(setup: SetupPlan) -> PolicyFinding:
    change = setup.change(Setting.LIFECYCLE)
    return PolicyFinding(
        check=PolicyCheck.LIFECYCLE,
        deviations=(*(change.lines if change else ()), *setup.threats),
        remedy=_lifecycle_remedy(setup),
        unsupported=setup.missing_capabilities.get(Setting.LIFECYCLE),
    )


def _lifecycle_remedy(setup: SetupPlan) -> str | None:
    if setup.change(Setting.LIFECYCLE):
        return "signal-backups lifecycle apply"
    return "Remove or narrow the foreign rule; only its owner may do that" if setup.threats else None


def _locks(vault: BackupVault, setup: SetupPlan, profile: Profile) -> PolicyFinding:
    finding = _of_setting(setup, PolicyCheck.OBJECT_LOCK, Setting.OBJECT_LOCK)
    if profile.lock is None or not finding.ok or finding.unsupported:
        return finding
    newest = vault.backups(date.min, date.max)[-NEWEST_LOCKS:]
    unlocked, days = [], []
    for backup in newest:
        lock = vault.store.lock_of(backup.key, backup.current.version_id)
        end = years_after(backup.current.last_modified, profile.retention_years)
        if not lock.holds_until(end) or not profile.lock.mode.is_met_by(lock.mode):
            unlocked.append(f"{backup.key}: lock {lock}, wanted {profile.lock.mode.lower()} until {end:%Y-%m-%d}")
            days.append(backup.slot.day)
    remedy = f"signal-backups lock extend --from {days[0]} --to {days[-1]}" if days else None
    return finding.model_copy(update={"deviations": tuple(unlocked), "remedy": remedy})


def _markers(vault: BackupVault, profile: Profile, clock: Clock) -> PolicyFinding:
    hidden = hidden_objects(vault, profile, clock)
    days = [slot.day for each in hidden if (slot := vault.layout.slot_of(each.key))]
    return PolicyFinding(
        check=PolicyCheck.DELETE_MARKERS,
        deviations=tuple(_hidden_in_words(each) for each in hidden),
        remedy=f"signal-backups undelete {days[0]}" if days else None,
    )


def _hidden_in_words(top: ObjectVersion) -> str:
    if top.is_delete_marker:
        return f"{top.key} was deleted at {top.last_modified:%Y-%m-%d %H:%M:%SZ}"
    return f"{top.key} has versions, but none of them is current"
