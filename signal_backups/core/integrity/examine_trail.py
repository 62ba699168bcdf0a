"""Examining everything together: both logs, the days' manifests, and the anchors."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from signal_backups.core.integrity.anchors.anchors import read_anchors
from signal_backups.core.integrity.anchors.examine_anchors import Anchored, AnchorFinding, examine_anchors
from signal_backups.core.integrity.log.cross_checks import cross_check
from signal_backups.core.integrity.log.examine_log import LogExamination, examine_log
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName, each_once
from signal_backups.core.integrity.log.segments import Segments
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault

#: How many findings a report lists; it counts all of them.
MAX_FINDINGS = 10
#: How far the clocks of our machines may be apart.
MAX_BACKWARDS = timedelta(hours=1)

_INSTANT = "%Y-%m-%d %H:%M:%SZ"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Unchained(_Model):
    """Days whose manifest is older than the manifest log: how many, the first and the last."""

    count: int
    first_day: date
    last_day: date


class TrailReport(_Model):
    """The result of an examination.

    Attributes:
        bucket: the bucket.
        at: when it was examined (UTC).
        full: whether every entry was read, rather than segments.
        events: how many events the audit trail has.
        manifests: how many manifests the manifest log has.
        anchors: how many anchors the bucket has.
        anchored: the newest valid anchor that is confirmed from outside of the bucket; None when there is none.
        events_since_anchor: how many events it does not cover.
        unchained: days that are not in the manifest log yet; None when there are none.
        waiting: how many events wait on this machine to be written.
        finding_count: how many things are wrong.
        findings: the first of them: events, then manifests, then anchors; by number.
        warnings: what is not wrong, and should be known.
        requests: how many requests of which kind it took.
    """

    bucket: str
    at: datetime
    full: bool
    events: int
    manifests: int
    anchors: int
    anchored: Anchored | None
    events_since_anchor: int
    unchained: Unchained | None
    waiting: int
    finding_count: int
    findings: list[LogFinding]
    warnings: list[str]
    requests: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding_count == 0


def examine_trail(
    vault: BackupVault,
    *,
    full: bool = False,
    second: S3ObjectStore | None = None,
    ca_pem: bytes | None = None,
    kept_from: date = date.min,
) -> TrailReport:
    """Examine everything that proves the backups; writes nothing.

    Args:
        vault: whose trail.
        full: read every entry and every manifest, without using segments.
        second: the second bucket of the anchors, when there is one.
        ca_pem: certificates (PEM) of the time-stamp authority's CA; None: time stamps are not checked.
        kept_from: days before may have expired.

    Raises:
        StoreError: one of the buckets cannot be read.
        SettingsError: there is no certificate in ``ca_pem``.
    """
    with vault.store.counted_requests() as requests:
        # In the opposite order of writing: an object written meanwhile never seems to lack what it refers to.
        others = read_anchors(second, vault.layout) if second else None
        anchors = read_anchors(vault.store, vault.layout)
        waiting = vault.trail.waiting_events()
        events = examine_log(Segments(vault, LogName.EVENTS), full=full)
        days = vault.manifest_versions(date.min, date.max)
        manifests = examine_log(Segments(vault, LogName.MANIFESTS), full=full)
        cross = cross_check(vault, events, days, manifests, waiting, full=full, kept_from=kept_from)
        single = _takes_one_writer(vault)
    held = examine_anchors(vault.store.bucket, anchors, others, events.sha256_of, manifests.sha256_of, ca_pem)
    # Anchors contradict a whole log: a finding that names an entry says more.
    findings = [
        *events.findings,
        *each_once([*manifests.findings, *cross.findings]),
        *each_once(_of_anchor(one) for one in held.findings),
    ]
    return TrailReport(
        bucket=vault.store.bucket,
        at=vault.store.clock(),
        full=full,
        events=len(events.seen),
        manifests=len(manifests.seen),
        anchors=len(anchors),
        anchored=held.anchored,
        events_since_anchor=max(0, events.last - (held.anchored.event if held.anchored else 0)),
        unchained=_unchained(cross.unchained),
        waiting=vault.trail.waiting(),
        finding_count=len(findings),
        findings=findings[:MAX_FINDINGS],
        warnings=_warnings(vault, events, single=single) + held.warnings,
        requests=dict(Counter(requests)),
    )


def _takes_one_writer(vault: BackupVault) -> bool:
    """Whether the store ever created what was there already; every writer tries that, see ``conditional``."""
    tries = vault.store.list_versions(vault.layout.probe_key)
    return sum(not version.is_delete_marker for version in tries) > 1


def _of_anchor(found: AnchorFinding) -> LogFinding:
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


def _warnings(vault: BackupVault, events: LogExamination, *, single: bool) -> list[str]:
    found = []
    if single:
        found.append(
            "THIS STORE IGNORES CONDITIONAL WRITES: only ONE machine may write backups and audit events there, "
            "or entries will fork"
        )
    if waiting := vault.trail.waiting():
        found.append(f"{waiting} events wait on this machine until they can be written")
    found += _backwards(events)
    return found


def _backwards(events: LogExamination) -> list[str]:
    """The first event whose time is before that of an earlier event, as after waiting in an outbox."""
    latest: datetime | None = None
    for number, event in sorted(events.seen.items()):
        if latest is not None and latest - event.at > MAX_BACKWARDS:
            return [f"event {number} is of {event.at:{_INSTANT}}, an earlier one of {latest:{_INSTANT}}"]
        latest = max(latest or event.at, event.at)
    return []
