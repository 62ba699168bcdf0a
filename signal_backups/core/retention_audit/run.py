"""Runs a retention audit, and stores its report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import date

from signal_backups.core.base.days import Clock, days_between, last_complete_day, oldest_kept_day, utc_now
from signal_backups.core.base.errors import NotFoundError, ReadBackError, SignalBackupsError
from signal_backups.core.integrity.anchors.destinations import NO_DESTINATIONS, AnchorDestinations
from signal_backups.core.integrity.examine_trail import TrailReport, examine_trail, record_examination
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention_audit.check_day import Criteria, DayEvidence, check_day
from signal_backups.core.retention_audit.deletions import record_deletions
from signal_backups.core.retention_audit.evidence import (
    BucketListing,
    DrillOutcomes,
    has_transitions,
    list_bucket,
    read_days,
    read_drills,
)
from signal_backups.core.retention_audit.report import DayFinding, Problem, ProblemCode, ProblemSeverity, RetentionAudit
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.findings import Examination, record_findings
from signal_backups.core.vault.vault import BackupVault

#: The errors of a day that the status does not look for.
_SEEN_HERE_ONLY = {
    ProblemCode.MANIFEST_DISAGREES,
    ProblemCode.NOT_LOCKED,
    ProblemCode.LOCK_TOO_SHORT,
    ProblemCode.LOCK_TOO_WEAK,
    ProblemCode.WRONG_CLASS,
    ProblemCode.EXPIRES_EARLY,
}


def audit_retention(
    vault: BackupVault,
    profile: Profile,
    *,
    start: date | None,
    clock: Clock = utc_now,
    first: date | None = None,
    last: date | None = None,
    destinations: AnchorDestinations = NO_DESTINATIONS,
) -> RetentionAudit:
    """Check every day of the retention window, and every entry of the two logs.

    Deletions that the audit trail lacks are recorded in it.

    Args:
        vault: the vault of the backups.
        profile: the profile to compare the days with.
        start: UTC day of the first signal; None for the oldest day that ever had a backup.
        clock: returns the current time, UTC.
        first: first UTC day to audit; None for the start of the window.
        last: last UTC day to audit; None for the newest complete day.
        destinations: where anchors are kept besides the bucket itself.

    Raises:
        NotFoundError: there is no day to audit.
        StoreError: the store cannot be reached.
    """
    started, now = time.perf_counter(), clock()
    with vault.store.counted_requests() as sent:
        listing = list_bucket(vault)
        # A start that is set too late must not hide existing backups.
        first_signal_day = min((day for day in (start, listing.oldest_day) if day is not None), default=None)
        oldest_kept = oldest_kept_day(now, profile.retention_years)
        last_day = min(last_complete_day(clock), last or date.max)
        first_day = max(first_signal_day or date.max, oldest_kept, first or date.min)
        if first_day > last_day:
            raise NotFoundError(
                f"no day to audit up to {last_day} in {vault.store.uri(vault.layout.prefix)}",
                remedy="Make a backup with: signal-backups backup",
            )
        drills = read_drills(vault)
        criteria = _criteria(vault, profile)
        days = read_days(vault, listing, list(days_between(first_day, last_day)), drills)
        trail = examine_trail(
            vault, full=True, second=destinations.second, ca_pem=destinations.ca_pem, kept_from=oldest_kept
        )
        checked = [check_day(evidence, criteria, now) for evidence in days]
    audit = RetentionAudit(
        at=now,
        bucket=vault.store.bucket,
        prefix=vault.layout.prefix,
        profile=profile.name,
        retention_years=profile.retention_years,
        retention_first_day=oldest_kept,
        first_signal_day=first_signal_day or first_day,
        first_day=first_day,
        last_day=last_day,
        days=checked,
        general=[
            *_log_problems(trail),
            *_unreadable_drills(vault, drills),
            *_unrecorded_deletions(vault, listing, days),
        ],
        requests=dict(sorted(Counter(sent).items())),
        drill_reports=drills.reports,
        seconds=time.perf_counter() - started,
    )
    record_examination(vault, trail)
    _record(vault, checked)
    return audit


def store_report(vault: BackupVault, audit: RetentionAudit) -> str:
    """Store the report in the bucket and return its key.

    Raises:
        ReadBackError: S3 returns other bytes than were sent.
        StoreError: the store cannot be reached or refuses.
    """
    key = vault.layout.report_key("retention", audit.at)
    body = (audit.model_dump_json(exclude_none=True) + "\n").encode("utf-8")
    version_id = vault.store.put_bytes(key, body, JSON_TYPE)
    if vault.store.get_bytes(key, version_id)[0] != body:
        raise ReadBackError(f"{vault.store.uri(key)} is not what was sent", remedy="Run the audit again")
    return key


def _criteria(vault: BackupVault, profile: Profile) -> Criteria:
    configuration = vault.store.configuration
    return Criteria(
        profile,
        lifecycle_of(profile, vault.layout),
        has_transitions(configuration),
        # Ceph computes the header of a current version from the noncurrent rule; other stores do not send it.
        shows_expiration=configuration.is_amazon,
    )


def _record(vault: BackupVault, checked: Sequence[DayFinding]) -> None:
    """Keep what only an audit can see; the status sees everything else by itself."""
    audited = {finding.day for finding in checked}
    found = {
        finding.day: "; ".join(problem.what for problem in finding.problems if problem.code in _SEEN_HERE_ONLY)
        for finding in checked
    }
    record_findings(
        vault,
        Examination.RETENTION_AUDIT,
        days={day: what for day, what in found.items() if what},
        was_examined=lambda day: day in audited,
    )


def _log_problems(report: TrailReport) -> list[Problem]:
    remedy = "See all findings with: signal-backups audit verify --full"
    found = [(ProblemSeverity.ERROR, str(finding)) for finding in report.findings]
    found += [(ProblemSeverity.WARN, f"accepted: {finding}") for finding in report.accepted]
    return [
        Problem(code=ProblemCode.TRAIL_BROKEN, severity=severity, what=what, remedy=remedy) for severity, what in found
    ]


def _unrecorded_deletions(vault: BackupVault, listing: BucketListing, days: list[DayEvidence]) -> list[Problem]:
    """Record the deletions; a failure is a problem of the audit, not its end."""
    try:
        record_deletions(vault, listing, days)
    except SignalBackupsError as error:
        return [
            Problem(
                code=ProblemCode.DELETIONS_NOT_RECORDED,
                severity=ProblemSeverity.WARN,
                what=f"deletions were not recorded: {error.what}",
                remedy=error.remedy or "Run the audit again",
            )
        ]
    return []


def _unreadable_drills(vault: BackupVault, drills: DrillOutcomes) -> list[Problem]:
    return [
        Problem(
            code=ProblemCode.DRILL_UNREADABLE,
            severity=ProblemSeverity.WARN,
            what=f"{vault.store.uri(key)} is not a readable drill report",
            remedy="Inspect the noncurrent versions of the object; run another drill with: signal-backups drill",
        )
        for key in drills.unreadable
    ]
