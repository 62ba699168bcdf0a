"""The retention audit: every day of the retention window compared with the profile, from S3 alone."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date

from signal_backups.core.base.days import Clock, days_between, last_complete_day, oldest_kept_day, utc_now
from signal_backups.core.base.errors import NotFoundError, ReadBackError, SignalBackupsError
from signal_backups.core.integrity.anchors.destinations import NO_DESTINATIONS, AnchorDestinations
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention_audit.deletions import record_deletions
from signal_backups.core.retention_audit.evidence import (
    Drills,
    Listed,
    list_bucket,
    moves_objects,
    read_days,
    read_drills,
)
from signal_backups.core.retention_audit.judge_day import Criteria, DayEvidence, judge_day
from signal_backups.core.retention_audit.report import Problem, ProblemCode, ProblemSeverity, RetentionAudit
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.vault import BackupVault


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
    """Look at every day of the retention window, and at every entry of the audit trail.

    Deletions that nobody recorded are recorded.

    Args:
        vault: where the backups are.
        profile: what is promised of them.
        start: the day of the first signal; None: nobody said, so the oldest day that ever had a backup.
        clock: the present (UTC).
        first: audit no day before this one.
        last: audit no day after this one.
        destinations: where there are anchors besides the bucket itself.

    Raises:
        NotFoundError: the window has no day that should be there.
        StoreError: the store cannot be reached.
    """
    started, now = time.perf_counter(), clock()
    with vault.store.counted_requests() as sent:
        listed = list_bucket(vault)
        # A start that was set too late must not hide backups that are there.
        begin = min((day for day in (start, listed.oldest_day) if day is not None), default=None)
        still_kept = oldest_kept_day(now, profile.retention_years)
        end = min(last_complete_day(clock), last or date.max)
        begins = max(begin or date.max, still_kept, first or date.min)
        if begins > end:
            raise NotFoundError(
                f"no day to audit up to {end} in {vault.store.uri(vault.layout.prefix)}",
                remedy="Make a backup with: signal-backups backup",
            )
        drills = read_drills(vault)
        configuration = vault.store.configuration
        terms = Criteria(
            profile,
            lifecycle_of(profile, vault.layout),
            moves_objects(configuration),
            # Ceph computes the header of a current version from the rule for previous ones; others do not send it.
            shows_expiration=configuration.is_amazon,
        )
        days = read_days(vault, listed, list(days_between(begins, end)), drills)
        trail_problems = _broken_trail(vault, destinations, still_kept)
    return RetentionAudit(
        at=now,
        bucket=vault.store.bucket,
        prefix=vault.layout.prefix,
        profile=profile.name,
        retention_years=profile.retention_years,
        retention_first_day=still_kept,
        first_signal_day=begin or begins,
        first_day=begins,
        last_day=end,
        days=[judge_day(evidence, terms, now) for evidence in days],
        general=[
            *trail_problems,
            *_unreadable(vault, drills),
            *_not_recorded(vault, listed, days),
        ],
        requests=dict(sorted(Counter(sent).items())),
        drill_reports=drills.reports,
        seconds=time.perf_counter() - started,
    )


def store_report(vault: BackupVault, audit: RetentionAudit) -> str:
    """Keep the report in the bucket and return its key.

    Raises:
        ReadBackError: S3 returns another one.
        StoreError: the store cannot be reached or refuses.
    """
    key = vault.layout.report_key("retention", audit.at)
    body = (audit.model_dump_json(exclude_none=True) + "\n").encode("utf-8")
    version_id = vault.store.put_bytes(key, body, JSON_TYPE)
    if vault.store.get_bytes(key, version_id)[0] != body:
        raise ReadBackError(f"{vault.store.uri(key)} is not what was sent", remedy="Run the audit again")
    return key


def _broken_trail(vault: BackupVault, destinations: AnchorDestinations, kept_from: date) -> list[Problem]:
    report = examine_trail(
        vault, full=True, second=destinations.second, ca_pem=destinations.ca_pem, kept_from=kept_from
    )
    return [
        Problem(
            code=ProblemCode.TRAIL_BROKEN,
            severity=ProblemSeverity.ERROR,
            what=f"{finding.log} {finding.number or finding.key}: {finding.words}",
            remedy="See all that is wrong with: signal-backups audit verify --full",
        )
        for finding in report.findings
    ]


def _not_recorded(vault: BackupVault, listed: Listed, days: list[DayEvidence]) -> list[Problem]:
    """Record the deletions that were seen; that it cannot be done is found, and takes no other finding away."""
    try:
        record_deletions(vault, listed, days)
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


def _unreadable(vault: BackupVault, drills: Drills) -> list[Problem]:
    return [
        Problem(
            code=ProblemCode.DRILL_UNREADABLE,
            severity=ProblemSeverity.WARN,
            what=f"{vault.store.uri(key)} is not the report of a drill that can be read",
            remedy="Look at the object's older versions; hold another drill with: signal-backups drill",
        )
        for key in drills.unreadable
    ]
