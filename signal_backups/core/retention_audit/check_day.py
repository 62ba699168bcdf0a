"""Checks one day of a retention audit: from the evidence to states and problems, without requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from signal_backups.core.vault.day_state import MEANINGS, DayState, remedy_for
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import destroyed_backup

_EXPIRY = re.compile(r'expiry-date\s*=\s*"([^"]+)"', re.IGNORECASE)
_RULE = re.compile(r'rule-id\s*=\s*"([^"]*)"', re.IGNORECASE)
#: S3 makes a transition some time after the midnight at which it is due.
TRANSITION_GRACE = timedelta(days=2)
#: User metadata of a backup: its number of signals (written by ``vault.writing.put_csv``).
_RECORDS_METADATA = "record_count"


class ManifestState(Enum):
    """What was found when the manifest of a day was read."""

    READ = auto()
    NONE = auto()
    HIDDEN = auto()
    UNREADABLE = auto()


@dataclass(frozen=True)
class DrillOutcome:
    """How the last drill of a day ended; ``problem`` is None if the day was restored."""

    at: datetime
    problem: str | None = None


@dataclass(frozen=True)
class DayEvidence:
    """What S3 shows of a day.

    Attributes:
        day: the UTC day.
        version: the current version, else the newest one below the delete marker, as a HEAD returns it.
        is_hidden: whether the newest entry is a delete marker.
        manifest: the current manifest; None if it could not be read.
        manifest_state: what was found when the manifest was read.
        state: what the vault says of the day; None if nothing was ever stored.
        is_vouched_left: whether the version that the newest manifest vouches for is still there.
        has_lost_quarantine: whether the quarantined rows that the manifest names are not there any more.
        other_keys: keys of objects of the day that have other content.
        drill: the last drill of the day; None if there was none.
    """

    day: date
    version: ObjectVersion | None = None
    is_hidden: bool = False
    manifest: Manifest | None = None
    manifest_state: ManifestState = ManifestState.NONE
    drill: DrillOutcome | None = None
    state: DayState | None = None
    is_vouched_left: bool = True
    has_lost_quarantine: bool = False
    other_keys: Sequence[str] = ()


@dataclass(frozen=True)
class Criteria:
    """What the days are compared with.

    Attributes:
        profile: the retention profile.
        lifecycle: the lifecycle rules of the profile.
        has_transitions: whether the store makes transitions to other storage classes.
        shows_expiration: whether the store's ``x-amz-expiration`` header is reliable.
    """

    profile: Profile
    lifecycle: Lifecycle
    has_transitions: bool
    shows_expiration: bool


@dataclass(frozen=True)
class _Answer:
    state: State
    problem: Problem | None = None


_YES = _Answer(State.YES)
_NOT_APPLICABLE = _Answer(State.NOT_APPLICABLE)


def check_day(evidence: DayEvidence, criteria: Criteria, now: datetime) -> DayFinding:
    """Check one day that must have a backup.

    Args:
        evidence: what S3 shows of the day.
        criteria: what to compare it with.
        now: the current time, UTC.
    """
    version = evidence.version
    answers = dict.fromkeys(Aspect, _NOT_APPLICABLE) | {Aspect.DRILLED: _drilled(evidence)}
    if version is None:
        answers |= {Aspect.PRESENT: _absent(evidence, now)}
        return DayFinding(day=evidence.day, **_states_and_problems(answers), drilled_at=_drilled_at(evidence))
    answers |= {
        # A hidden day is one problem, that of NOT_HIDDEN.
        Aspect.PRESENT: _Answer(State.NO) if evidence.is_hidden else _YES,
        Aspect.NOT_HIDDEN: _not_hidden(evidence, version),
        Aspect.VERIFIED: _verified(evidence, version),
        Aspect.MANIFEST_AGREES: _manifest_agrees(evidence, version),
        Aspect.LOCKED: _locked(evidence.day, version, criteria.profile),
        Aspect.CLASS_AS_PLANNED: _class_as_planned(evidence.day, version, criteria, now),
        Aspect.EXPIRATION_OK: _expiration_ok(evidence.day, version, criteria),
    }
    return DayFinding(
        day=evidence.day,
        **_states_and_problems(
            answers, [*_about_the_database(evidence), *_about_the_quarantine(evidence), *_about_other_objects(evidence)]
        ),
        key=version.key,
        version_id=version.version_id,
        bytes=version.size,
        stored_at=version.last_modified,
        storage_class=version.storage_class,
        locked_until=version.lock.retain_until if version.lock else None,
        drilled_at=_drilled_at(evidence),
    )


def _absent(evidence: DayEvidence, now: datetime) -> _Answer:
    day = evidence.day
    if now < datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC):
        return _NOT_APPLICABLE  # its backup is not due yet
    if evidence.state is DayState.DESTROYED:
        found = destroyed_backup(day)
        return _wrong(ProblemCode.DESTROYED, found.what, found.remedy)
    left = ": only a delete marker is left" if evidence.is_hidden else ""
    return _wrong(ProblemCode.MISSING, f"{day} has no backup{left}", f"signal-backups backup {day}")


def _not_hidden(evidence: DayEvidence, version: ObjectVersion) -> _Answer:
    if not evidence.is_hidden:
        return _YES
    what = f"{evidence.day} is hidden: a delete marker is on top of {version.key}"
    return _wrong(ProblemCode.HIDDEN, what, f"signal-backups undelete {evidence.day}")


def _verified(evidence: DayEvidence, version: ObjectVersion) -> _Answer:
    day, manifest = evidence.day, evidence.manifest
    if evidence.state is DayState.TAMPERED:
        tampered = MEANINGS[DayState.TAMPERED]
        return _wrong(ProblemCode.TAMPERED, f"{day} {tampered.one}", remedy_for(DayState.TAMPERED, [day]))
    if manifest is None:
        return _without_manifest(evidence)
    if manifest.backup.version_id == version.version_id:
        return _YES
    vouched = manifest.backup.version_id
    what = f"{day} is not verified: the manifest vouches for version {vouched}, stored is {version.version_id}"
    if not evidence.is_vouched_left:
        return _wrong(ProblemCode.NOT_VERIFIED, f"{what}; the other one is gone", f"signal-backups versions {day}")
    return _wrong(ProblemCode.NOT_VERIFIED, what, f"signal-backups undelete {day} --version-id {vouched}")


def _without_manifest(evidence: DayEvidence) -> _Answer:
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


def _manifest_agrees(evidence: DayEvidence, version: ObjectVersion) -> _Answer:
    manifest = evidence.manifest
    # A manifest of another version is one problem, that of VERIFIED.
    if manifest is None or manifest.backup.version_id != version.version_id:
        return _NOT_APPLICABLE
    pairs = {
        "day": (manifest.day, evidence.day),
        "key": (manifest.backup.key, version.key),
        "bytes": (manifest.backup.bytes, version.size),
        "SHA-256": (manifest.backup.sha256, version.metadata.get(SHA256_METADATA)),
        "records": (str(manifest.records), version.metadata.get(_RECORDS_METADATA)),
        "verified records": (manifest.records, manifest.verification.records),
    }
    differing = [
        f"{name} {claimed}, {'and the object says none' if found is None else f'not {found}'}"
        for name, (claimed, found) in pairs.items()
        if claimed != found
    ]
    if not differing:
        return _YES
    what = f"the manifest of {evidence.day} disagrees with the object: it says {'; '.join(differing)}"
    return _wrong(ProblemCode.MANIFEST_DISAGREES, what, f"signal-backups verify --date {evidence.day}")


def _locked(day: date, version: ObjectVersion, profile: Profile) -> _Answer:
    policy, lock = profile.lock_policy, version.lock
    if policy is None:
        return _NOT_APPLICABLE
    end = years_after(version.last_modified, policy.years)
    remedy = f"signal-backups lock extend --from {day} --to {day}"
    # A lock that the store does not show counts as none.
    if lock is None or lock.retain_until is None:
        return _wrong(ProblemCode.NOT_LOCKED, f"{day} is not locked", remedy)
    if not lock.holds_until(end):
        what = f"{day} is locked until {_instant(lock.retain_until)}, its retention ends {_instant(end)}"
        return _wrong(ProblemCode.LOCK_TOO_SHORT, what, remedy)
    if not policy.mode.is_met_by(lock.mode):
        return _wrong(ProblemCode.LOCK_TOO_WEAK, f"{day} is locked with {lock.mode}, not {policy.mode}", remedy)
    return _YES


def _class_as_planned(day: date, version: ObjectVersion, criteria: Criteria, now: datetime) -> _Answer:
    if not criteria.has_transitions:
        return _NOT_APPLICABLE
    timeline = rules_for(criteria.lifecycle, version.key, version.size).timeline(version.last_modified)
    recent = [each.storage_class for each in timeline.transitions if now - TRANSITION_GRACE < each.at <= now]
    allowed = [timeline.class_at(now - TRANSITION_GRACE), *recent]
    if version.storage_class in allowed:
        return _YES
    what = f"{day} is in {version.storage_class}, at its age the profile wants {' or '.join(allowed)}"
    return _wrong(ProblemCode.WRONG_CLASS, what, "signal-backups lifecycle show")


def _expiration_ok(day: date, version: ObjectVersion, criteria: Criteria) -> _Answer:
    expiry = expiry_of(version.expiration_header) if criteria.shows_expiration else None
    if expiry is None:
        return _NOT_APPLICABLE
    end = years_after(version.last_modified, criteria.profile.retention_years)
    if expiry >= end:
        return _YES
    hours = ceil((end - expiry) / timedelta(hours=1))
    what = f"S3 will hide {day} {hours} h before its retention ends, at {_instant(expiry)}: {_rule_of(version)}"
    planned = next_midnight(version.last_modified + timedelta(days=criteria.profile.keep.backups.expire_days))
    if expiry < planned:
        return _wrong(ProblemCode.EXPIRES_EARLY, what, "signal-backups lifecycle show")
    remedy = f"Profile {criteria.profile.name} itself expires backups that early: choose one that keeps them longer"
    return _wrong(ProblemCode.PROFILE_TOO_SHORT, what, remedy, ProblemSeverity.WARN)


def _about_the_database(evidence: DayEvidence) -> list[Problem]:
    """What the database altered or lost since the backup, and whether somebody took it as it was."""
    manifest, day = evidence.manifest, evidence.day
    if manifest is None:
        return []
    problems = [
        Problem(
            code=ProblemCode.REPLACED,
            severity=ProblemSeverity.WARN,
            what=f"{day} was {replacement}, by {replacement.by}",
            remedy=f"signal-backups versions {day}",
        )
        for replacement in manifest.replacements
    ]
    if manifest.differences is not None:
        what = f"the database differs from the backup of {day}, which keeps its signals: {manifest.differences}"
        remedy = f"signal-backups reconcile --from {day} --to {day}"
        severity = ProblemSeverity.ERROR
        problems.append(Problem(code=ProblemCode.DATABASE_DIFFERS, severity=severity, what=what, remedy=remedy))
    return problems


def _about_the_quarantine(evidence: DayEvidence) -> list[Problem]:
    state = DayState.QUARANTINE_LOST
    if not evidence.has_lost_quarantine:
        return []
    return [
        Problem(
            code=ProblemCode.QUARANTINE_LOST,
            severity=ProblemSeverity.ERROR,
            what=f"{evidence.day} {MEANINGS[state].one}",
            remedy=remedy_for(state, [evidence.day]),
        )
    ]


def _about_other_objects(evidence: DayEvidence) -> list[Problem]:
    day, meaning = evidence.day, MEANINGS[DayState.OTHER_OBJECT]
    return [
        Problem(
            code=ProblemCode.OTHER_OBJECT,
            severity=ProblemSeverity.WARN,
            what=f"{day} {meaning.one}: {key}",
            remedy=remedy_for(DayState.OTHER_OBJECT, [day]),
        )
        for key in evidence.other_keys
    ]


def _drilled(evidence: DayEvidence) -> _Answer:
    drill = evidence.drill
    if drill is None:
        return _Answer(State.NO)  # drills only restore sample days, so this is no problem
    if drill.problem is None:
        return _YES
    what = f"the last drill of {evidence.day}, at {_instant(drill.at)}, did not restore it: {drill.problem}"
    return _wrong(ProblemCode.DRILL_FAILED, what, f"signal-backups verify --date {evidence.day}", ProblemSeverity.WARN)


def expiry_of(header: str | None) -> datetime | None:
    """The date in an ``x-amz-expiration`` header, UTC; None without a valid one."""
    found = _EXPIRY.search(header or "")
    try:
        return parsedate_to_datetime(found[1]).astimezone(UTC) if found else None
    except ValueError:
        return None


def _rule_of(version: ObjectVersion) -> str:
    found = _RULE.search(version.expiration_header or "")
    return f"rule {unquote(found[1])!r}" if found else "by an unnamed rule"


def _wrong(code: ProblemCode, what: str, remedy: str, severity: ProblemSeverity = ProblemSeverity.ERROR) -> _Answer:
    return _Answer(State.NO, Problem(code=code, severity=severity, what=what, remedy=remedy))


def _states_and_problems(answers: dict[Aspect, _Answer], more: Sequence[Problem] = ()) -> dict[str, object]:
    return {
        "states": {aspect: answer.state for aspect, answer in answers.items()},
        "problems": [*(answer.problem for answer in answers.values() if answer.problem), *more],
    }


def _drilled_at(evidence: DayEvidence) -> datetime | None:
    return evidence.drill.at if evidence.drill else None


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%MZ}"
