"""The profiles' lifecycles in fewer days, carried out by the store under test on real backups.

One loop watches three buckets at once; each test reads its log. Tests assert the order, and that nothing happens too
early; never speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.holds import put_holds, release_holds
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention.setup import apply_lifecycle, set_up_bucket
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups_tests.acceptance.backups import DOCUMENTED, RECOMMENDED, back_up, key_of, locking, made_days
from signal_backups_tests.acceptance.scaling import keeping, only_for, scaled
from signal_backups_tests.acceptance.stores import MARKS, Endpoint, NewVault, new_vaults
from signal_backups_tests.acceptance.watching import GONE, Subject, Watch
from signal_backups_tests.core.retention.locked import delete

pytestmark = MARKS

#: Lifecycle days from one event of a profile to the next.
STEP = 4
#: Days that the store may take to do what is due; nothing else fails when it is slow.
PATIENCE_DAYS = 100
PATIENCE_S = 60
LOCK = LockPolicy(LockMode.GOVERNANCE, 7)
DAYS = FIRST, SECOND, THIRD, FOURTH, FIFTH = [date(2026, 11, day) for day in range(1, 6)]


@dataclass(frozen=True)
class Bucket:
    """A bucket with the scaled lifecycle of a profile; ``without`` is what the store cannot do of that."""

    vault: BackupVault
    lifecycle: Lifecycle
    without: str | None


class WatchedBackups:
    """Backups under the documented lifecycle, some of them locked, and under the recommended one; all watched."""

    def __init__(self, new_vault: NewVault, endpoint: Endpoint, folder: Path) -> None:
        self.day_seconds = endpoint.day_seconds
        self.scratch = folder / "scratch"
        self.watch = Watch(self.scratch, patience_s=PATIENCE_S + PATIENCE_DAYS * endpoint.day_seconds)
        self._new_vault = new_vault
        self._runs = made_days(folder, DAYS)
        self._other_runs = made_days(folder, DAYS, more=1)
        self._fill_documented()
        self._fill_locked()
        self._fill_recommended()

    def watch_long_enough(self) -> None:
        """Wait until every due action was carried out, and the store has gone through its rules once more."""
        self.watch.until(lambda: self.watch.is_gone(self.deleted))
        # Now, because it will soon be old enough to expire.
        vault = self.recommended.vault
        self.undone = undelete(vault, self.locked_deleted.day, None, self.scratch)
        self.undone_is_proven = verify_stored(vault, vault.find(self.locked_deleted.day), self.scratch).report.ok
        last = (self.left_alone, self.overwritten, self.free, self.brief, self.free_deleted, self.free_overwritten)
        self.watch.until(lambda: self.watch.is_gone(*last) and not self.free.vault.store.list_versions(self.free.key))

    def days_until(self, subject: Subject, state: str) -> float:
        """After how many lifecycle days a version was seen in a state."""
        return self.watch.seconds_until(subject, state) / self.day_seconds

    def locks(self, subject: Subject) -> set[ObjectLock | None]:
        """The locks seen on a version while it was there."""
        return {sight.lock for sight in self.watch.sights(subject) if sight.state != GONE}

    def _fill_documented(self) -> None:
        self.documented = self._bucket(DOCUMENTED, DOCUMENTED)
        vault = self.documented.vault
        self.left_alone = self._stored(vault, FIRST)
        self.its_manifest = self._manifest_of(self.left_alone)
        self.deleted = self._stored_and_deleted(vault, SECOND)
        self.manifest_of_deleted = self._manifest_of(self.deleted)
        self.overwritten = self._stored(vault, THIRD)
        # The newer one is watched under the other lifecycle: Ceph 16 loses current versions in a transition after
        # another version of their key was removed.
        self._stored(vault, THIRD, again=True)

    def _fill_locked(self) -> None:
        """The documented lifecycle again, where versions can be locked."""
        self.lockable = self._bucket(RECOMMENDED, DOCUMENTED)
        vault = self.lockable.vault
        self.free = self._stored(vault, FIRST)
        self.locked = self._stored(vault, SECOND, RECOMMENDED)
        put = self._stored_and_deleted(vault, THIRD)
        put_holds(vault, THIRD, THIRD, "a case")
        self.held = self.watch.follow(vault, THIRD, put.key, put.version_id, put.since)
        brief = self._stored_and_deleted(vault, FOURTH)
        # Some days longer than the rules alone would leave it there.
        expire_days = keeping(self.lockable.lifecycle, vault.layout.prefix).noncurrent_expire_days
        assert expire_days is not None
        self.brief_end = brief.since + timedelta(seconds=(expire_days + 2 * STEP) * self.day_seconds)
        vault.store.set_retention(brief.key, brief.version_id, LockMode.COMPLIANCE, self.brief_end)
        self.brief = self.watch.follow(vault, FOURTH, brief.key, brief.version_id, brief.since)

    def _fill_recommended(self) -> None:
        self.recommended = self._bucket(RECOMMENDED, RECOMMENDED)
        vault = self.recommended.vault
        self.locked_deleted = self._stored_and_deleted(vault, FIRST, RECOMMENDED)
        self.free_deleted = self._stored_and_deleted(vault, SECOND)
        self.transitioned = self._stored(vault, THIRD, RECOMMENDED)
        self.locked_rest = self._stored_and_deleted(vault, FIFTH, RECOMMENDED)
        self.free_overwritten = self._stored(vault, FOURTH)
        self.successor = self._stored(vault, FOURTH, RECOMMENDED, again=True)

    def _bucket(self, made_for: Profile, rules_of: Profile) -> Bucket:
        vault = self._new_vault()
        set_up_bucket(vault, made_for, confirmed=False)
        in_use = (vault.layout.prefix, vault.layout.manifest_prefix)
        # Ceph takes a while for every rule, longer than such a day for all of them together.
        lifecycle = only_for(scaled(lifecycle_of(rules_of, vault.layout), STEP), in_use)
        bucket = vault.store.configuration
        reduction = apply_lifecycle(bucket, bucket.lifecycle(), lifecycle, vault.layout)
        return Bucket(vault, lifecycle, reduction.without)

    def _stored(self, vault: BackupVault, day: date, profile: Profile = DOCUMENTED, *, again: bool = False) -> Subject:
        since, runs = utc_now(), self._other_runs if again else self._runs
        version_id = back_up(locking(vault, profile.lock_policy), runs[day])
        return self.watch.follow(vault, day, key_of(vault, day), version_id, since)

    def _stored_and_deleted(self, vault: BackupVault, day: date, profile: Profile = DOCUMENTED) -> Subject:
        """Store a day, and delete it without a version id."""
        version_id = back_up(locking(vault, profile.lock_policy), self._runs[day])
        since = utc_now()
        delete(vault, key_of(vault, day))
        return self.watch.follow(vault, day, key_of(vault, day), version_id, since)

    def _manifest_of(self, backup: Subject) -> Subject:
        vault, key = backup.vault, backup.vault.layout.manifest_key(BackupSlot(backup.day))
        (version,) = vault.store.list_versions(key)
        return self.watch.follow(vault, backup.day, key, version.version_id, backup.since)


@pytest.fixture(scope="module")
def backups(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedBackups]:
    """All backups, watched until their last state."""
    with new_vaults(endpoint) as new_vault:
        backups = WatchedBackups(new_vault, endpoint, tmp_path_factory.mktemp("watched"))
        backups.watch_long_enough()
        yield backups


def test_shorter_rules_keep_the_order_of_the_profiles() -> None:
    lifecycle = lifecycle_of(DOCUMENTED, Layout())
    short = scaled(lifecycle, 2)
    backups, manifests = keeping(short, "signals/"), keeping(short, "manifests/")
    assert [(move.days, move.storage_class) for move in backups.transitions] == [(6, "STANDARD_IA"), (8, "GLACIER")]
    assert [move.days for move in backups.noncurrent_transitions] == [4]
    assert (backups.expire_days, backups.noncurrent_expire_days) == (10, 6)
    assert (manifests.expire_days, manifests.noncurrent_expire_days) == (12, 12)
    assert [rule.id for rule in short.rules] == [rule.id for rule in lifecycle.rules]
    assert {rule.abort_uploads_days for rule in short.rules if rule.remove_expired_delete_markers} == {2}


def test_the_documented_lifecycle_transitions_hides_and_destroys(backups: WatchedBackups) -> None:
    assert backups.documented.without is None
    assert backups.watch.states(backups.left_alone) == [
        "STANDARD",
        "STANDARD_IA",
        "GLACIER",
        "noncurrent GLACIER",
        GONE,
    ]
    rule = keeping(backups.documented.lifecycle, "signals/")
    assert rule.expire_days is not None
    assert rule.noncurrent_expire_days is not None
    due = {move.storage_class: move.days for move in rule.transitions}
    due |= {"noncurrent GLACIER": rule.expire_days, GONE: rule.expire_days + rule.noncurrent_expire_days}
    # Stores round to whole days, seconds for instance.
    early = {state: days for state, days in due.items() if backups.days_until(backups.left_alone, state) < days - 1}
    assert early == {}


def test_every_version_can_be_read_and_verified_in_every_class(backups: WatchedBackups) -> None:
    seen = [
        sight for subject in backups.watch.subjects for sight in backups.watch.sights(subject) if sight.state != GONE
    ]
    assert {sight.state for sight in seen} >= {"STANDARD", "STANDARD_IA", "GLACIER", "noncurrent GLACIER"}
    assert [sight for sight in seen if not sight.proven] == []


def test_under_the_documented_lifecycle_an_accidental_delete_destroys_the_only_copy(backups: WatchedBackups) -> None:
    assert backups.watch.states(backups.deleted) == ["noncurrent STANDARD", "noncurrent GLACIER", GONE]
    assert backups.days_until(backups.deleted, GONE) < backups.days_until(backups.left_alone, "noncurrent GLACIER")


def test_an_overwritten_version_goes_after_its_days(backups: WatchedBackups) -> None:
    assert backups.watch.states(backups.overwritten) == ["STANDARD", "noncurrent STANDARD", "noncurrent GLACIER", GONE]
    assert backups.watch.states(backups.free_overwritten) == ["STANDARD", "noncurrent STANDARD", GONE]
    assert backups.watch.states(backups.successor)[0] == "STANDARD"
    assert not backups.watch.is_gone(backups.successor)


def test_manifests_outlive_the_backups_they_describe(backups: WatchedBackups) -> None:
    for manifest, backup in (
        (backups.its_manifest, backups.left_alone),
        (backups.manifest_of_deleted, backups.deleted),
    ):
        assert backups.watch.states(manifest)[0] == "STANDARD"
        assert not backups.watch.is_gone(manifest)
        hidden = backups.watch.sights(manifest)[1].at
        assert hidden > next(s.at for s in backups.watch.sights(backup) if s.state == "noncurrent GLACIER")


def test_transitions_keep_the_lock_and_the_lock_allows_transitions(backups: WatchedBackups) -> None:
    assert backups.watch.states(backups.free)[-1] == GONE
    assert backups.watch.states(backups.locked) == ["STANDARD", "STANDARD_IA", "GLACIER", "noncurrent GLACIER"]
    (lock,) = backups.locks(backups.locked)
    assert lock is not None
    assert lock.holds_until(LOCK.retain_until(backups.locked.since))


def test_a_lock_keeps_a_version_until_it_ends_and_no_longer(backups: WatchedBackups) -> None:
    assert backups.watch.states(backups.brief)[-1] == GONE
    (lock,) = backups.locks(backups.brief)
    assert lock is not None
    assert lock.holds_until(backups.brief_end - timedelta(seconds=1))
    # Ceph keeps the end of a lock in whole seconds.
    assert not lock.holds_until(backups.watch.sights(backups.brief)[-1].at + timedelta(seconds=1))


def test_a_held_version_stays_until_it_is_released(backups: WatchedBackups) -> None:
    assert not backups.watch.is_gone(backups.held)
    release_holds(backups.held.vault, THIRD, THIRD, "closed")
    backups.watch.until(lambda: backups.watch.is_gone(backups.held))


def test_under_the_recommended_lifecycle_an_accidental_delete_is_undone(backups: WatchedBackups) -> None:
    assert (backups.undone.version_id, backups.undone.copied_from) == (backups.locked_deleted.version_id, None)
    assert backups.undone_is_proven
    assert "STANDARD" in backups.watch.states(backups.locked_deleted)


def test_under_the_recommended_lifecycle_only_what_was_not_locked_goes(backups: WatchedBackups) -> None:
    assert backups.watch.states(backups.free_deleted) == ["noncurrent STANDARD", GONE]
    assert backups.watch.states(backups.locked_rest) == ["noncurrent STANDARD"]


def test_the_recommended_lifecycle_transitions_by_size_unless_the_store_cannot(
    backups: WatchedBackups,
) -> None:
    expected = {None: ["STANDARD", "STANDARD_IA", "GLACIER_IR"], "rules by object size": ["STANDARD"]}
    current = [state for state in backups.watch.states(backups.transitioned) if not state.startswith("noncurrent")]
    assert current == expected[backups.recommended.without]
    (lock,) = backups.locks(backups.transitioned)
    assert lock is not None
    assert lock.mode == LOCK.mode
