"""The judgement of one day of a retention audit: from what S3 shows to states and problems. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import ceil
from urllib.parse import unquote

from signal_backups.core.base.days import BACKUP_TIME, ONE_DAY, next_midnight, years_after
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention_audit.report import Aspect, DayFinding, Problem, ProblemCode, ProblemSeverity, State
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.lifecycle_timeline import rules_for
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import SHA256_METADATA
from signal_backups.core.vault.manifest import Manifest

_EXPIRY = re.compile(r'expiry-date\s*=\s*"([^"]+)"', re.IGNORECASE)
_RULE = re.compile(r'rule-id\s*=\s*"([^"]*)"', re.IGNORECASE)
#: S3 moves objects some time after the midnight they are due at.
MOVE_GRACE = timedelta(days=2)
#: User metadata of a backup: how many records it has (written by ``backup_object.put_csv``).
_RECORDS_METADATA = "record_count"


class ManifestState(Enum):
    """How the look for a day's manifest ended."""

    READ = auto()
    NONE = auto()
    HIDDEN = auto()
    UNREADABLE = auto()


@dataclass(frozen=True)
class DrillOutcome:
    """How a day's last drill ended; ``problem`` is None when the day came back whole."""

    at: datetime
    problem: str | None = None


@dataclass(frozen=True)
class DayEvidence:
    """What S3 shows of a day.

    Attributes:
        day: the UTC day.
        version: what is judged, as a HEAD shows it: the current version, else the newest one below a delete marker.
        is_hidden: a delete marker is on top.
        manifest: the current manifest, when it could be read.
        drill: the last time a drill restored, or tried to restore, the day.
    """

    day: date
    version: ObjectVersion | None = None
    is_hidden: bool = False
    manifest: Manifest | None = None
    manifest_state: ManifestState = ManifestState.NONE
    drill: DrillOutcome | None = None


@dataclass(frozen=True)
class Criteria:
    """What the days are compared with.

    Attributes:
        profile: what is promised.
        lifecycle: the profile's lifecycle rules.
        moves_objects: whether the store moves objects to other storage classes at all.
        shows_expiration: whether its ``x-amz-expiration`` can be believed.
    """

    profile: Profile
    lifecycle: Lifecycle
    moves_objects: bool
    shows_expiration: bool


@dataclass(frozen=True)
class _Verdict:
    state: State
    problem: Problem | None = None


_FINE = _Verdict(State.YES)
_NOT_ASKED = _Verdict(State.NOT_APPLICABLE)


def judge_day(evidence: DayEvidence, terms: Criteria, now: datetime) -> DayFinding:
    """Judge one day of the window; its gap, if it is one, is not explained by its place in the window.

    Args:
        evidence: what S3 shows of it.
        terms: what it is held against.
        now: the present (UTC).
    """
    version = evidence.version
    verdicts = dict.fromkeys(Aspect, _NOT_ASKED) | {Aspect.DRILLED: _drilled(evidence)}
    if version is None:
        verdicts |= {Aspect.PRESENT: _absent(evidence, now)}
        return DayFinding(day=evidence.day, **_summed(verdicts), drilled_at=_drilled_at(evidence))
    verdicts |= {
        # A hidden day is one problem, not two.
        Aspect.PRESENT: _Verdict(State.NO) if evidence.is_hidden else _FINE,
        Aspect.NOT_HIDDEN: _not_hidden(evidence, version),
        Aspect.VERIFIED: _verified(evidence, version),
        Aspect.MANIFEST_AGREES: _manifest_agrees(evidence, version),
        Aspect.LOCKED: _locked(evidence.day, version, terms.profile),
        Aspect.CLASS_AS_PLANNED: _class_as_planned(evidence.day, version, terms, now),
        Aspect.EXPIRATION_OK: _expiration_ok(evidence.day, version, terms),
    }
    return DayFinding(
        day=evidence.day,
        **_summed(verdicts),
        key=version.key,
        version_id=version.version_id,
        bytes=version.size,
        stored_at=version.last_modified,
        storage_class=version.storage_class,
        locked_until=version.lock.retain_until if version.lock else None,
        drilled_at=_drilled_at(evidence),
    )


def _absent(evidence: DayEvidence, now: datetime) -> _Verdict:
    day = evidence.day
    if now < datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC):
        return _NOT_ASKED  # its backup is not due yet
    left = ": only a delete marker is left" if evidence.is_hidden else ""
    return _wrong(ProblemCode.MISSING, f"{day} has no backup{left}", f"signal-backups backup {day}")


def _not_hidden(evidence: DayEvidence, version: ObjectVersion) -> _Verdict:
    if not evidence.is_hidden:
        return _FINE
    what = f"{evidence.day} is hidden: a delete marker is on top of {version.key}"
    return _wrong(ProblemCode.HIDDEN, what, f"signal-backups undelete {evidence.day}")


def _verified(evidence: DayEvidence, version: ObjectVersion) -> _Verdict:
    day, manifest = evidence.day, evidence.manifest
    if manifest is None:
        return _without_manifest(evidence)
    if manifest.backup.version_id == version.version_id:
        return _FINE
    vouched = manifest.backup.version_id
    what = f"{day} is not verified: the manifest vouches for version {vouched}, stored is {version.version_id}"
    return _wrong(ProblemCode.NOT_VERIFIED, what, f"signal-backups undelete {day} --version-id {vouched}")


def _without_manifest(evidence: DayEvidence) -> _Verdict:
    day = evidence.day
    code, what, remedy = {
        ManifestState.HIDDEN: (
            ProblemCode.MANIFEST_HIDDEN,
            "a delete marker is on top of its manifest",
            f"signal-backups undelete {day}",
        ),
        ManifestState.UNREADABLE: (
            ProblemCode.MANIFEST_UNREADABLE,
            "its manifest cannot be read",
            f"signal-backups backup {day}",
        ),
    }.get(
        evidence.manifest_state,
        (ProblemCode.NO_MANIFEST, "it has no manifest", f"signal-backups backup {day}"),
    )
    return _wrong(code, f"{day} is not verified: {what}", remedy)


def _manifest_agrees(evidence: DayEvidence, version: ObjectVersion) -> _Verdict:
    manifest = evidence.manifest
    # Of a manifest that speaks of another version everything may differ: that is said once, as not verified.
    if manifest is None or manifest.backup.version_id != version.version_id:
        return _NOT_ASKED
    pairs = {
        "day": (manifest.day, evidence.day),
        "key": (manifest.backup.key, version.key),
        "bytes": (manifest.backup.bytes, version.size),
        "SHA-256": (manifest.backup.sha256, version.metadata.get(SHA256_METADATA)),
        "records": (str(manifest.records), version.metadata.get(_RECORDS_METADATA)),
        "verified records": (manifest.records, manifest.verification.records),
    }
    differing = [f"{name} {claimed}, not {found}" for name, (claimed, found) in pairs.items() if claimed != found]
    if not differing:
        return _FINE
    what = f"the manifest of {evidence.day} disagrees with the object: it says {'; '.join(differing)}"
    return _wrong(ProblemCode.MANIFEST_DISAGREES, what, f"signal-backups verify --date {evidence.day}")


def _locked(day: date, version: ObjectVersion, profile: Profile) -> _Verdict:
    policy, lock = profile.lock_policy, version.lock
    if policy is None:
        return _NOT_ASKED
    end = years_after(version.last_modified, policy.years)
    remedy = f"signal-backups lock extend --from {day} --to {day}"
    # A lock that is not shown to us counts as none.
    if lock is None or lock.retain_until is None:
        return _wrong(ProblemCode.NOT_LOCKED, f"{day} is not locked", remedy)
    if not lock.holds_until(end):
        what = f"{day} is locked until {_instant(lock.retain_until)}, its retention ends {_instant(end)}"
        return _wrong(ProblemCode.LOCK_TOO_SHORT, what, remedy)
    if not policy.mode.is_met_by(lock.mode):
        return _wrong(ProblemCode.LOCK_TOO_WEAK, f"{day} is locked with {lock.mode}, not {policy.mode}", remedy)
    return _FINE


def _class_as_planned(day: date, version: ObjectVersion, terms: Criteria, now: datetime) -> _Verdict:
    if not terms.moves_objects:
        return _NOT_ASKED
    timeline = rules_for(terms.lifecycle, version.key, version.size).play(version.last_modified)
    lately = [move.storage_class for move in timeline.moves if now - MOVE_GRACE < move.at <= now]
    allowed = [timeline.class_at(now - MOVE_GRACE), *lately]
    if version.storage_class in allowed:
        return _FINE
    what = f"{day} is in {version.storage_class}, at its age the profile has it in {' or '.join(allowed)}"
    return _wrong(ProblemCode.WRONG_CLASS, what, "signal-backups lifecycle show")


def _expiration_ok(day: date, version: ObjectVersion, terms: Criteria) -> _Verdict:
    expiry = expiry_of(version.expiration_header) if terms.shows_expiration else None
    if expiry is None:
        return _NOT_ASKED
    end = years_after(version.last_modified, terms.profile.retention_years)
    if expiry >= end:
        return _FINE
    hours = ceil((end - expiry) / timedelta(hours=1))
    what = f"S3 will hide {day} {hours} h before its retention ends, at {_instant(expiry)}: {_rule_of(version)}"
    planned = next_midnight(version.last_modified + timedelta(days=terms.profile.keep.backups.expire_days))
    if expiry < planned:
        return _wrong(ProblemCode.EXPIRES_EARLY, what, "signal-backups lifecycle show")
    remedy = f"Profile {terms.profile.name} itself is that short: choose one that keeps backups longer"
    return _wrong(ProblemCode.PROFILE_TOO_SHORT, what, remedy, ProblemSeverity.WARN)


def _drilled(evidence: DayEvidence) -> _Verdict:
    drill = evidence.drill
    if drill is None:
        return _Verdict(State.NO)  # drills take samples: no problem
    if drill.problem is None:
        return _FINE
    what = f"the last drill of {evidence.day}, at {_instant(drill.at)}, did not restore it: {drill.problem}"
    return _wrong(ProblemCode.DRILL_FAILED, what, f"signal-backups verify --date {evidence.day}", ProblemSeverity.WARN)


def expiry_of(header: str | None) -> datetime | None:
    """The date in an ``x-amz-expiration`` header (UTC); None without one that can be read."""
    found = _EXPIRY.search(header or "")
    try:
        return parsedate_to_datetime(found[1]).astimezone(UTC) if found else None
    except ValueError:
        return None


def _rule_of(version: ObjectVersion) -> str:
    found = _RULE.search(version.expiration_header or "")
    return f"rule {unquote(found[1])!r}" if found else "by an unnamed rule"


def _wrong(code: ProblemCode, what: str, remedy: str, severity: ProblemSeverity = ProblemSeverity.ERROR) -> _Verdict:
    return _Verdict(State.NO, Problem(code=code, severity=severity, what=what, remedy=remedy))


def _summed(verdicts: dict[Aspect, _Verdict]) -> dict[str, object]:
    return {
        "states": {aspect: verdict.state for aspect, verdict in verdicts.items()},
        "problems": [verdict.problem for verdict in verdicts.values() if verdict.problem],
    }


def _drilled_at(evidence: DayEvidence) -> datetime | None:
    return evidence.drill.at if evidence.drill else None


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%MZ}"
