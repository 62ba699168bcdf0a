"""The retention audit over years, on the strict S3 with its simulated clock: classes, expirations, requests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention_audit.report import Aspect, ProblemCode, ProblemSeverity, RetentionAudit, State
from signal_backups.core.retention_audit.run import audit_retention
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.retention_audit.audit_samples import codes, days_from, finding, put_day
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

START = datetime(2026, 1, 2, 2, 0, tzinfo=UTC)
DAY = date(2026, 1, 1)
SIZE = 200 * 1024
DOCUMENTED, RECOMMENDED = load_profile("documented"), load_profile("recommended")


class World:
    """A bucket on Amazon S3, set up as a profile says, and its clock."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.clock = SimulatedClock(START)
        self.s3 = StrictS3(self.clock)
        store = S3ObjectStore(self.s3.client(), "bucket", lock=profile.lock_policy, clock=self.clock)
        self.vault = BackupVault(store, Layout())
        store.configuration.create(with_lock=profile.lock is not None)
        store.configuration.enable_versioning()
        self.put_rules(profile)

    def put_rules(self, profile: Profile) -> None:
        wanted = lifecycle_of(profile, self.vault.layout)
        rules = [rule.to_s3() for rule in wanted.rules]
        self.vault.store.configuration.put_lifecycle(StoredLifecycle(rules, wanted.transition_minimum))

    def audit(self, profile: Profile | None = None, last: date | None = None) -> RetentionAudit:
        return audit_retention(self.vault, profile or self.profile, start=None, clock=self.clock, last=last)


@pytest.mark.parametrize("profile", [DOCUMENTED, RECOMMENDED])
def test_classes_follow_the_profile_through_the_years(profile: Profile, tmp_path: Path) -> None:
    world = World(profile)
    put_day(world.vault, DAY, tmp_path, SIZE)
    storage_classes = []
    for _ in range(14):
        world.s3.advance(days=30)
        found = finding(world.audit(last=DAY), DAY)
        assert found.states[Aspect.CLASS_AS_PLANNED] is State.YES
        storage_classes.append(found.storage_class)
    last_class = "GLACIER" if profile is DOCUMENTED else "GLACIER_IR"
    assert storage_classes == ["STANDARD"] * 3 + ["STANDARD_IA"] * 9 + [last_class] * 2


def test_missing_rules_are_found_two_days_after_a_transition_was_due(tmp_path: Path) -> None:
    world = World(RECOMMENDED)
    put_day(world.vault, DAY, tmp_path, SIZE)
    world.vault.store.configuration.put_lifecycle(StoredLifecycle())
    world.s3.advance(days=92, hours=21)  # due on 3 April at 00:00, now 4 April 23:00
    assert codes(world.audit(last=DAY)) == {}
    world.s3.advance(hours=1)
    found = world.audit(last=DAY)
    assert codes(found) == {DAY: [ProblemCode.WRONG_CLASS]}
    assert "is in STANDARD, at its age the profile wants STANDARD_IA" in finding(found, DAY).problems[0].what


def test_a_wrong_class_from_the_rules_of_another_profile_is_found(tmp_path: Path) -> None:
    world = World(RECOMMENDED)
    put_day(world.vault, DAY, tmp_path, SIZE)
    world.put_rules(DOCUMENTED)
    world.s3.advance(days=400)
    found = world.audit(last=DAY)
    assert codes(found) == {DAY: [ProblemCode.WRONG_CLASS, ProblemCode.EXPIRES_EARLY]}
    assert "is in GLACIER, at its age the profile wants GLACIER_IR" in finding(found, DAY).problems[0].what


def test_an_early_expiration_is_a_warning_if_the_profile_says_so(tmp_path: Path) -> None:
    world = World(DOCUMENTED)
    put_day(world.vault, DAY, tmp_path, SIZE)
    world.s3.advance(days=1)
    found = world.audit(last=DAY)
    ((_, problem),) = found.problems()
    assert (problem.code, problem.severity, found.ok) == (ProblemCode.PROFILE_TOO_SHORT, ProblemSeverity.WARN, True)
    assert "26 h before its retention ends, at 2033-01-01 00:00Z: rule 'signal-backups signals/ keep'" in problem.what


def test_an_expiration_earlier_than_in_the_profile_is_an_error(
    tmp_path: Path,
) -> None:
    world = World(RECOMMENDED)
    put_day(world.vault, DAY, tmp_path, SIZE)
    world.s3.advance(days=1)
    found = world.audit(last=DAY)
    assert (codes(found), finding(found, DAY).states[Aspect.EXPIRATION_OK]) == ({}, State.YES)
    keep = RECOMMENDED.keep
    shorter = keep.model_copy(update={"backups": keep.backups.model_copy(update={"expire_days": 2000})})
    world.put_rules(RECOMMENDED.model_copy(update={"keep": shorter}))
    found = world.audit(last=DAY)
    assert (codes(found), found.ok) == ({DAY: [ProblemCode.EXPIRES_EARLY]}, False)


def test_a_day_that_s3_hides_before_its_retention_ends_is_an_error(tmp_path: Path) -> None:
    world = World(DOCUMENTED)
    put_day(world.vault, DAY, tmp_path, SIZE)
    world.clock.set(datetime(2032, 12, 31, 4, 0, tzinfo=UTC))
    assert codes(world.audit(last=DAY)) == {DAY: [ProblemCode.PROFILE_TOO_SHORT]}
    world.clock.set(datetime(2033, 1, 1, 4, 0, tzinfo=UTC))
    assert codes(world.audit(last=DAY)) == {DAY: [ProblemCode.HIDDEN]}


def test_reported_requests_include_pages_and_retries(tmp_path: Path) -> None:
    world = World(DOCUMENTED)
    days = days_from(DAY, 3)
    for day in days:
        put_day(world.vault, day, tmp_path)
    key = world.vault.layout.backup_key(BackupSlot(days[0]))
    for _ in range(1000):
        world.vault.store.put_bytes(key, b"again", "text/csv")
    world.clock.set(START + timedelta(days=3))
    client_with_retries = world.s3.client(max_attempts=3)
    vault = BackupVault(S3ObjectStore(client_with_retries, "bucket"), Layout())
    world.s3.fail_next(2, "SlowDown", 503, operation="HeadObject")
    before = world.s3.requests.copy()
    found = audit_retention(vault, DOCUMENTED, start=None, clock=world.clock, last=days[-1])
    assert len(found.days) == 3
    # The two listings for open findings come after the audit itself.
    assert found.requests == dict(world.s3.requests - before - Counter(ListObjectVersions=2))
    # Amazon S3 makes transitions, so its lifecycle rules are not read.
    trail = {"GetObject": 3 * 3, "ListObjectVersions": 7}
    # Each listing of the backups has two pages; the manifest of the day that was overwritten is read again.
    own = {"GetObject": 3 + 1, "HeadObject": 3 + 2, "ListObjectVersions": 2 * (3 + 1) + 1, "ListObjectsV2": 1}
    assert found.requests == {name: count + trail.get(name, 0) for name, count in own.items()}
    vault.store.head(key)
    assert found.requests["HeadObject"] == 5
