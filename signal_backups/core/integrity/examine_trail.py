"""Examining both logs, the days' manifests and the anchors together."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from pydantic import BaseModel

from signal_backups.core.integrity.anchors.anchors import read_anchors
from signal_backups.core.integrity.anchors.examine_anchors import AnchorFinding, ConfirmedAnchor, examine_anchors
from signal_backups.core.integrity.log.cross_checks import cross_check
from signal_backups.core.integrity.log.examine_log import LogExamination, examine_log
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName, without_duplicates
from signal_backups.core.integrity.log.segments import Segments
from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.findings import (
    Acceptance,
    Examination,
    accept_findings,
    accept_undated,
    newest_findings,
    record_findings,
)
from signal_backups.core.vault.vault import BackupVault

#: A report lists so many findings, and counts all of them.
MAX_FINDINGS = 10
#: Events may go back in time by this much without a warning: the clocks of several machines differ.
MAX_BACKWARDS = timedelta(hours=1)

_INSTANT = "%Y-%m-%d %H:%M:%SZ"


class Unchained(BaseModel, frozen=True):
    """The number of days whose manifest is older than the manifest log, the first and the last of them."""

    count: int
    first_day: date
    last_day: date


class TrailReport(BaseModel, frozen=True):
    """The result of an examination.

    Attributes:
        bucket: the bucket.
        at: when it was examined (UTC).
        full: whether every entry was read, instead of segments.
        events: number of events in the audit trail.
        manifests: number of manifests in the manifest log.
        anchors: number of anchors in the bucket.
        anchored: the newest valid anchor that something outside of the bucket confirms; None when there is none.
        events_since_anchor: number of events that it does not cover.
        unchained: days that are not in the manifest log; None when there are none.
        waiting: number of events in the outbox of this machine.
        accepted: findings that somebody has looked into; they are not among the others.
        finding_count: number of all findings.
        findings: the first findings: events, then manifests, then anchors; by number.
        warnings: not findings, but worth knowing.
        requests: number of requests by operation.
    """

    bucket: str
    at: datetime
    full: bool
    events: int
    manifests: int
    anchors: int
    anchored: ConfirmedAnchor | None
    events_since_anchor: int
    unchained: Unchained | None
    waiting: int
    accepted: list[LogFinding]
    finding_count: int
    findings: list[LogFinding]
    warnings: list[str]
    requests: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether there are no findings."""
        return self.finding_count == 0


def examine_trail(
    vault: BackupVault,
    *,
    full: bool = False,
    second: S3ObjectStore | None = None,
    ca_pem: bytes | None = None,
    kept_from: date = date.min,
    most: int | None = MAX_FINDINGS,
) -> TrailReport:
    """Examine both logs, the days' manifests and the anchors; writes nothing.

    Args:
        vault: the vault.
        full: read every entry and every manifest, without using segments.
        second: the second bucket of the anchors; None when there is none.
        ca_pem: certificates (PEM) of the time-stamp authority's CA; None: time stamps are not checked.
        kept_from: the manifests of earlier days may have expired.
        most: how many findings the report lists; None: all.

    Raises:
        StoreError: one of the buckets cannot be read.
        SettingsError: there is no certificate in ``ca_pem``.
    """
    with vault.store.counted_requests() as requests:
        # Read in the reverse order of writing, so that whatever an object refers to was listed after it.
        second_anchors = read_anchors(second, vault.layout) if second else None
        anchors = read_anchors(vault.store, vault.layout)
        waiting = vault.trail.waiting_events()
        events = examine_log(Segments(vault, LogName.EVENTS), full=full)
        days = vault.manifest_versions(date.min, date.max)
        manifests = examine_log(Segments(vault, LogName.MANIFESTS), full=full)
        cross = cross_check(vault, events, days, manifests, waiting, full=full, kept_from=kept_from)
        ignores_conditions = _ignores_conditions(vault)
        newest = newest_findings(vault).get(Examination.AUDIT_TRAIL)
    examination = examine_anchors(
        vault.store.bucket, anchors, second_anchors, events.sha256_of, manifests.sha256_of, ca_pem
    )
    # A finding about one entry says more than an anchor's about the whole log, so it comes first.
    findings = [
        *events.findings,
        *without_duplicates([*manifests.findings, *cross.findings]),
        *without_duplicates(_log_finding(one) for one in examination.findings),
    ]
    known = newest.accepted_words if newest is not None else set()
    accepted = [finding for finding in findings if str(finding) in known]
    findings = [finding for finding in findings if str(finding) not in known]
    return TrailReport(
        bucket=vault.store.bucket,
        at=vault.store.clock(),
        full=full,
        events=len(events.entries),
        manifests=len(manifests.entries),
        anchors=len(anchors),
        anchored=examination.anchored,
        events_since_anchor=max(0, events.last - (examination.anchored.event if examination.anchored else 0)),
        unchained=_unchained(cross.unchained),
        waiting=vault.trail.waiting(),
        accepted=accepted,
        finding_count=len(findings),
        findings=findings[:most],
        warnings=_warnings(vault, events, ignores_conditions=ignores_conditions) + examination.warnings,
        requests=dict(Counter(requests)),
    )


def record_examination(vault: BackupVault, report: TrailReport) -> None:
    """Keep what an examination found as an open finding, or clear what an earlier one found."""
    record_findings(
        vault,
        Examination.AUDIT_TRAIL,
        days={},
        general=[str(found) for found in report.findings],
        is_full=report.full,
    )


def accept_examination(vault: BackupVault, report: TrailReport, reason: str) -> None:
    """Accept every finding of a report that lists all of them, because somebody has looked into them.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    logs = (vault.trail.log, vault.manifest_log)
    damage = {log.prefix: LogDamage.of(log.versions()) for log in logs}
    acceptance = _acceptance(vault, reason, [str(found) for found in report.findings])
    accept_findings(vault, Examination.AUDIT_TRAIL, acceptance.model_copy(update={"damage": damage}))


def accept_lost_undated(vault: BackupVault, reason: str) -> list[str]:
    """Accept what is wrong with the kept undated rows, and return it.

    Raises:
        StoreError: the store cannot be reached or refuses.
    """
    found = newest_findings(vault).get(Examination.UNDATED_SIGNALS)
    if found is None or not found.general:
        return []
    accept_undated(vault, _acceptance(vault, reason, found.general))
    return found.general


def _acceptance(vault: BackupVault, reason: str, findings: list[str]) -> Acceptance:
    actor = vault.trail.actor
    return Acceptance(at=vault.store.clock(), by=f"{actor.user}@{actor.host}", reason=reason, findings=findings)


def _ignores_conditions(vault: BackupVault) -> bool:
    """Whether the store ever created an existing object again; every writer tests this on the probe object."""
    tries = vault.store.list_versions(vault.layout.probe_key)
    return sum(not version.is_delete_marker for version in tries) > 1


def _log_finding(found: AnchorFinding) -> LogFinding:
    name = LogName(found.log or LogName.EVENTS)
    return LogFinding(
        log=name,
        kind=Fault.ANCHOR if found.log is None else Fault.REWRITTEN,
        number=found.number,
        key=found.anchor,
        version_id=None,
        words=found.what,
    )


def _unchained(days: list[date]) -> Unchained | None:
    return Unchained(count=len(days), first_day=min(days), last_day=max(days)) if days else None


def _warnings(vault: BackupVault, events: LogExamination, *, ignores_conditions: bool) -> list[str]:
    found = []
    if ignores_conditions:
        found.append(
            "THIS STORE IGNORES CONDITIONAL WRITES: only ONE machine may write backups and audit events there, "
            "or entries will fork"
        )
    if waiting := vault.trail.waiting():
        found.append(f"{waiting} events wait on this machine until they can be written")
    found += _backward_times(events)
    return found


def _backward_times(events: LogExamination) -> list[str]:
    """A warning about the first event that is older than an event before it, as after waiting in an outbox."""
    latest: datetime | None = None
    for number, event in sorted(events.entries.items()):
        if latest is not None and latest - event.at > MAX_BACKWARDS:
            return [f"event {number} is dated {event.at:{_INSTANT}}, but an earlier one {latest:{_INSTANT}}"]
        latest = max(latest or event.at, event.at)
    return []
