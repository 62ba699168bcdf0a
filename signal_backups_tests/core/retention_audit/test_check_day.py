"""The check of one day, question by question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from signal_backups.core.base.days import years_after
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention_audit.check_day import (
    Criteria,
    DayEvidence,
    DrillOutcome,
    ManifestState,
    check_day,
    expiry_of,
)
from signal_backups.core.retention_audit.report import Aspect, DayFinding, ProblemCode, ProblemSeverity, State
from signal_backups.core.s3.object_lock import ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import StoredFile, VerificationResult
from signal_backups_tests.core.retention_audit.audit_samples import fake_sha256, manifest_of

DAY = date(2026, 1, 1)
STORED_AT = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
END = datetime(2033, 1, 2, 2, 0, tzinfo=UTC)
SOON = STORED_AT + timedelta(hours=2)
KIB = 1024

STORED = StoredFile(
    key=Layout().backup_key(BackupSlot(DAY)), version_id="v1", bytes=200 * KIB, sha256=fake_sha256("stored")
)
VERSION = ObjectVersion(
    key=STORED.key,
    version_id="v1",
    size=STORED.bytes,
    last_modified=STORED_AT,
    etag="e",
    lock=ObjectLock("COMPLIANCE", datetime(2033, 1, 3, tzinfo=UTC), legal_hold=False),
    metadata={"sha256": STORED.sha256, "record_count": "1"},
)
MANIFEST = manifest_of(STORED, DAY)
GOOD = DayEvidence(DAY, VERSION, manifest=MANIFEST, manifest_state=ManifestState.READ)


def criteria(profile: str = "recommended", *, transitions: bool = True, shows_expiration: bool = True) -> Criteria:
    known = load_profile(profile)
    return Criteria(known, lifecycle_of(known, Layout()), transitions, shows_expiration)


def checked(evidence: DayEvidence, now: datetime = SOON, profile: str = "recommended", **facts: bool) -> DayFinding:
    return check_day(evidence, criteria(profile, **facts), now)


def with_version(**changes: Any) -> DayEvidence:
    return replace(GOOD, version=replace(VERSION, **changes))


def codes(found: DayFinding) -> list[ProblemCode]:
    return [problem.code for problem in found.problems]


def test_every_answer_for_a_good_day_is_yes() -> None:
    found = checked(replace(with_version(expiration_header=header(END)), drill=DrillOutcome(SOON)))
    assert set(found.states.values()) == {State.YES}
    assert found.problems == []
    assert (found.key, found.version_id, found.bytes, found.stored_at, found.storage_class) == (
        STORED.key,
        "v1",
        200 * KIB,
        STORED_AT,
        "STANDARD",
    )
    assert (found.locked_until, found.drilled_at) == (datetime(2033, 1, 3, tzinfo=UTC), SOON)


def test_a_missing_day_is_an_error_once_its_backup_is_due() -> None:
    due = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
    early, late = (checked(DayEvidence(DAY), now) for now in (due - timedelta(seconds=1), due))
    assert (early.states[Aspect.PRESENT], codes(early)) == (State.NOT_APPLICABLE, [])
    assert (late.states[Aspect.PRESENT], codes(late)) == (State.NO, [ProblemCode.MISSING])
    assert late.problems[0].severity is ProblemSeverity.ERROR
    assert late.problems[0].remedy == "signal-backups backup 2026-01-01"
    assert late.states[Aspect.LOCKED] is State.NOT_APPLICABLE


def test_a_day_with_only_a_delete_marker_is_missing() -> None:
    found = checked(DayEvidence(DAY, is_hidden=True))
    assert codes(found) == [ProblemCode.MISSING]
    assert "only a delete marker is left" in found.problems[0].what


def test_a_hidden_day_is_one_problem_and_the_version_below_is_checked() -> None:
    found = checked(replace(GOOD, is_hidden=True))
    assert codes(found) == [ProblemCode.HIDDEN]
    assert found.problems[0].remedy == "signal-backups undelete 2026-01-01"
    assert [found.states[aspect] for aspect in (Aspect.PRESENT, Aspect.NOT_HIDDEN, Aspect.VERIFIED, Aspect.LOCKED)] == [
        State.NO,
        State.NO,
        State.YES,
        State.YES,
    ]


@pytest.mark.parametrize(
    ("state", "code", "remedy"),
    [
        (ManifestState.NONE, ProblemCode.NO_MANIFEST, "signal-backups backup 2026-01-01"),
        (ManifestState.HIDDEN, ProblemCode.MANIFEST_HIDDEN, "signal-backups undelete 2026-01-01"),
        (ManifestState.UNREADABLE, ProblemCode.MANIFEST_UNREADABLE, "signal-backups backup 2026-01-01"),
    ],
)
def test_without_a_manifest_nothing_is_verified(state: ManifestState, code: ProblemCode, remedy: str) -> None:
    found = checked(replace(GOOD, manifest=None, manifest_state=state))
    assert (codes(found), found.problems[0].remedy) == ([code], remedy)
    assert (found.states[Aspect.VERIFIED], found.states[Aspect.MANIFEST_AGREES]) == (State.NO, State.NOT_APPLICABLE)


def test_a_manifest_of_another_version_is_one_problem() -> None:
    found = checked(with_version(version_id="v2", size=3, metadata={}))
    assert codes(found) == [ProblemCode.NOT_VERIFIED]
    assert found.problems[0].remedy == "signal-backups undelete 2026-01-01 --version-id v1"
    assert (found.states[Aspect.VERIFIED], found.states[Aspect.MANIFEST_AGREES]) == (State.NO, State.NOT_APPLICABLE)


@pytest.mark.parametrize(
    ("evidence", "word"),
    [
        (with_version(size=200 * KIB - 1), "bytes"),
        (with_version(metadata={**VERSION.metadata, "sha256": fake_sha256("other")}), "SHA-256"),
        (with_version(metadata={"record_count": "1"}), "SHA-256"),
        (with_version(metadata={**VERSION.metadata, "record_count": "2"}), "records"),
        (with_version(key="signals/2026/01/other.csv"), "key"),
        (replace(GOOD, manifest=MANIFEST.model_copy(update={"day": date(2026, 1, 2)})), "day"),
        (
            replace(
                GOOD,
                manifest=MANIFEST.model_copy(
                    update={
                        "verification": VerificationResult(
                            verified_at=SOON, records=0, rows_hashed=0, integer_form_rows=0
                        )
                    }
                ),
            ),
            "verified records",
        ),
    ],
)
def test_a_manifest_that_differs_from_the_object_disagrees(evidence: DayEvidence, word: str) -> None:
    found = checked(evidence)
    assert codes(found) == [ProblemCode.MANIFEST_DISAGREES]
    assert f"it says {word} " in found.problems[0].what
    assert (found.states[Aspect.VERIFIED], found.states[Aspect.MANIFEST_AGREES]) == (State.YES, State.NO)


def test_an_object_that_says_nothing_of_itself_is_described_so() -> None:
    what = checked(with_version(metadata={})).problems[0].what
    assert f"SHA-256 {MANIFEST.backup.sha256}, and the object says none; records " in what
    assert what.count("and the object says none") == 2
    assert "None" not in what


@pytest.mark.parametrize(
    ("lock", "expected"),
    [
        (ObjectLock("COMPLIANCE", END, legal_hold=False), []),
        (ObjectLock("COMPLIANCE", END - timedelta(seconds=1), legal_hold=False), [ProblemCode.LOCK_TOO_SHORT]),
        (ObjectLock("GOVERNANCE", END, legal_hold=False), [ProblemCode.LOCK_TOO_WEAK]),
        (ObjectLock(None, None, legal_hold=True), [ProblemCode.NOT_LOCKED]),
        (None, [ProblemCode.NOT_LOCKED]),
    ],
)
def test_the_lock_must_last_until_the_end_of_the_retention(
    lock: ObjectLock | None, expected: list[ProblemCode]
) -> None:
    found = checked(with_version(lock=lock))
    assert codes(found) == expected
    assert found.states[Aspect.LOCKED] is (State.NO if expected else State.YES)


def test_a_profile_without_a_lock_requires_none() -> None:
    found = checked(with_version(lock=None), profile="documented")
    assert (codes(found), found.states[Aspect.LOCKED]) == ([], State.NOT_APPLICABLE)


# Stored at 02:00 on 2026-01-02, 90 days old on 2026-04-02, so due at the midnight after it.
DUE = datetime(2026, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        (DUE - timedelta(seconds=1), {"STANDARD"}),
        (DUE, {"STANDARD", "STANDARD_IA"}),
        (DUE + timedelta(days=2, seconds=-1), {"STANDARD", "STANDARD_IA"}),
        (DUE + timedelta(days=2), {"STANDARD_IA"}),
        (STORED_AT + timedelta(days=364), {"STANDARD_IA"}),
        (STORED_AT + timedelta(days=366), {"STANDARD_IA", "GLACIER_IR"}),
        (STORED_AT + timedelta(days=2000), {"GLACIER_IR"}),
    ],
)
def test_the_storage_class_must_match_the_age_with_two_days_of_grace(now: datetime, allowed: set[str]) -> None:
    names = ("STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
    found = {name: checked(with_version(storage_class=name), now) for name in names}
    assert {name for name in names if not found[name].problems} == allowed
    assert {code for name in names for code in codes(found[name])} == {ProblemCode.WRONG_CLASS}


def test_a_backup_too_small_for_a_transition_must_be_in_standard() -> None:
    old = STORED_AT + timedelta(days=1000)
    small = replace(with_version(size=100 * KIB), manifest=None)
    for storage_class, is_right in (("STANDARD", True), ("GLACIER", False)):
        evidence = replace(small, version=replace(VERSION, size=100 * KIB, storage_class=storage_class))
        found = checked(evidence, old, "documented")
        assert (found.states[Aspect.CLASS_AS_PLANNED] is State.YES) is is_right


def test_storage_classes_are_not_checked_if_the_store_has_no_transitions() -> None:
    found = checked(with_version(), STORED_AT + timedelta(days=1000), transitions=False)
    assert (codes(found), found.states[Aspect.CLASS_AS_PLANNED]) == ([], State.NOT_APPLICABLE)


def header(expiry: datetime, rule: str = "signal-backups%20signals%2F%20keep") -> str:
    return f'expiry-date="{expiry:%a, %d %b %Y %H:%M:%S} GMT", rule-id="{rule}"'


def test_an_expiration_before_the_retention_ends_is_an_error() -> None:
    at_the_end = checked(with_version(expiration_header=header(END)))
    before = checked(with_version(expiration_header=header(END - timedelta(hours=2))))
    assert (codes(at_the_end), at_the_end.states[Aspect.EXPIRATION_OK]) == ([], State.YES)
    assert (codes(before), before.states[Aspect.EXPIRATION_OK]) == ([ProblemCode.EXPIRES_EARLY], State.NO)
    assert before.problems[0].severity is ProblemSeverity.ERROR
    assert "2 h before its retention ends" in before.problems[0].what
    assert "'signal-backups signals/ keep'" in before.problems[0].what


def test_expiring_early_is_a_warning_if_the_profile_says_so_and_else_an_error() -> None:
    planned = datetime(2033, 1, 1, tzinfo=UTC)  # 2555 days, and on to midnight
    short = checked(with_version(expiration_header=header(planned)), profile="documented")
    shorter = checked(with_version(expiration_header=header(planned - timedelta(days=1))), profile="documented")
    assert (codes(short), short.problems[0].severity) == ([ProblemCode.PROFILE_TOO_SHORT], ProblemSeverity.WARN)
    assert "S3 will hide 2026-01-01 26 h before its retention ends" in short.problems[0].what
    assert (codes(shorter), shorter.problems[0].severity) == ([ProblemCode.EXPIRES_EARLY], ProblemSeverity.ERROR)


@pytest.mark.parametrize("text", [None, "", 'expiry-date="soon", rule-id="x"', 'rule-id="x"'])
def test_the_expiration_is_not_applicable_without_a_date(text: str | None) -> None:
    found = checked(with_version(expiration_header=text))
    assert (codes(found), found.states[Aspect.EXPIRATION_OK]) == ([], State.NOT_APPLICABLE)


def test_an_unreliable_expiration_header_is_ignored() -> None:
    found = checked(with_version(expiration_header=header(SOON)), shows_expiration=False)
    assert (codes(found), found.states[Aspect.EXPIRATION_OK]) == ([], State.NOT_APPLICABLE)


def test_the_expiration_header_of_s3_is_parsed() -> None:
    text = 'expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="Rule for testfile.txt"'
    assert expiry_of(text) == datetime(2012, 12, 21, tzinfo=UTC)


def test_a_failed_drill_is_a_warning_and_no_drill_is_no_problem() -> None:
    never, failed = checked(GOOD), checked(replace(GOOD, drill=DrillOutcome(SOON, "it was refused")))
    assert (codes(never), never.states[Aspect.DRILLED], never.drilled_at) == ([], State.NO, None)
    assert (codes(failed), failed.states[Aspect.DRILLED], failed.drilled_at) == (
        [ProblemCode.DRILL_FAILED],
        State.NO,
        SOON,
    )
    assert failed.problems[0].severity is ProblemSeverity.WARN


def test_the_end_of_a_retention_that_begins_on_29_february() -> None:
    stored_at = datetime(2028, 2, 29, 2, 0, tzinfo=UTC)
    assert years_after(stored_at, 7) == datetime(2035, 3, 1, 2, 0, tzinfo=UTC)
    lock = ObjectLock("COMPLIANCE", datetime(2035, 2, 28, 23, tzinfo=UTC), legal_hold=False)
    found = checked(with_version(last_modified=stored_at, lock=lock), stored_at)
    assert codes(found) == [ProblemCode.LOCK_TOO_SHORT]
