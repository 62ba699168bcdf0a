"""The profiles' lifecycles, in fewer days, as the store under test carries them out on real backups.

Three buckets are watched at once, by one loop; each test reads in its diary. Order is asserted, and that nothing comes
too soon; never speed.
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
from signal_backups.core.retention.setup import apply_lifecycle, make_right
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups_tests.acceptance.backups import DOCUMENTED, RECOMMENDED, back_up, key_of, locking, made_days
from signal_backups_tests.acceptance.conftest import Endpoint, NewVault, new_vaults
from signal_backups_tests.acceptance.scaling import keeping, only_for, scaled
from signal_backups_tests.acceptance.watching import GONE, Subject, Watch
from signal_backups_tests.core.retention.locked import delete

pytestmark = pytest.mark.slow

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


class Lives:
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
        """Until everything was carried out that may be, and the store has gone through its rules once more."""
        self.watch.until(lambda: self.watch.is_gone(self.stray))
        # Now, because it will soon be old enough to expire.
        vault = self.recommended.vault
        self.undone = undelete(vault, self.locked_stray.day, None, self.scratch)
        self.undone_is_proven = verify_stored(vault, vault.find(self.locked_stray.day), self.scratch).report.ok
        last = (self.left_alone, self.overwritten, self.free, self.brief, self.free_stray, self.free_overwritten)
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
        self.stray = self._stored_and_deleted(vault, SECOND)
        self.manifest_of_stray = self._manifest_of(self.stray)
        self.overwritten = self._stored(vault, THIRD)
        # What becomes of the newer one is asked under the other lifecycle: Ceph 16 loses current versions that it moves
        # after another version of their key was removed.
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
        expire_days = keeping(self.lockable.lifecycle, vault.layout.prefix).previous_expire_days
        assert expire_days is not None
        self.brief_end = brief.since + timedelta(seconds=(expire_days + 2 * STEP) * self.day_seconds)
        vault.store.set_retention(brief.key, brief.version_id, LockMode.COMPLIANCE, self.brief_end)
        self.brief = self.watch.follow(vault, FOURTH, brief.key, brief.version_id, brief.since)

    def _fill_recommended(self) -> None:
        self.recommended = self._bucket(RECOMMENDED, RECOMMENDED)
        vault = self.recommended.vault
        self.locked_stray = self._stored_and_deleted(vault, FIRST, RECOMMENDED)
        self.free_stray = self._stored_and_deleted(vault, SECOND)
        self.moved = self._stored(vault, THIRD, RECOMMENDED)
        self.locked_rest = self._stored_and_deleted(vault, FIFTH, RECOMMENDED)
        self.free_overwritten = self._stored(vault, FOURTH)
        self.successor = self._stored(vault, FOURTH, RECOMMENDED, again=True)

    def _bucket(self, made_for: Profile, rules_of: Profile) -> Bucket:
        vault = self._new_vault()
        make_right(vault, made_for, confirmed=False)
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
        """Store a day and delete it as an outsider would."""
        version_id = back_up(locking(vault, profile.lock_policy), self._runs[day])
        since = utc_now()
        delete(vault, key_of(vault, day))
        return self.watch.follow(vault, day, key_of(vault, day), version_id, since)

    def _manifest_of(self, backup: Subject) -> Subject:
        vault, key = backup.vault, backup.vault.layout.manifest_key(BackupSlot(backup.day))
        (version,) = vault.store.list_versions(key)
        return self.watch.follow(vault, backup.day, key, version.version_id, backup.since)


@pytest.fixture(scope="module")
def lives(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """The whole of it, watched to the end."""
    with new_vaults(endpoint) as new_vault:
        lives = Lives(new_vault, endpoint, tmp_path_factory.mktemp("lives"))
        lives.watch_long_enough()
        yield lives


def test_shorter_rules_keep_the_order_of_the_profiles() -> None:
    lifecycle = lifecycle_of(DOCUMENTED, Layout())
    short = scaled(lifecycle, 2)
    backups, manifests = keeping(short, "signals/"), keeping(short, "manifests/")
    assert [(move.days, move.storage_class) for move in backups.transitions] == [(6, "STANDARD_IA"), (8, "GLACIER")]
    assert [move.days for move in backups.previous_transitions] == [4]
    assert (backups.expire_days, backups.previous_expire_days) == (10, 6)
    assert (manifests.expire_days, manifests.previous_expire_days) == (12, 12)
    assert [rule.id for rule in short.rules] == [rule.id for rule in lifecycle.rules]
    assert {rule.abort_uploads_days for rule in short.rules if rule.remove_lone_markers} == {2}


def test_the_documented_lifecycle_moves_hides_and_destroys(lives: Lives) -> None:
    assert lives.documented.without is None
    assert lives.watch.states(lives.left_alone) == [
        "STANDARD",
        "STANDARD_IA",
        "GLACIER",
        "previous GLACIER",
        GONE,
    ]
    rule = keeping(lives.documented.lifecycle, "signals/")
    assert rule.expire_days is not None
    assert rule.previous_expire_days is not None
    due = {move.storage_class: move.days for move in rule.transitions}
    due |= {"previous GLACIER": rule.expire_days, GONE: rule.expire_days + rule.previous_expire_days}
    # Stores round to whole days, seconds for instance.
    early = {state: days for state, days in due.items() if lives.days_until(lives.left_alone, state) < days - 1}
    assert early == {}


def test_every_version_can_be_read_and_verified_in_every_class(lives: Lives) -> None:
    seen = [sight for subject in lives.watch.subjects for sight in lives.watch.sights(subject) if sight.state != GONE]
    assert {sight.state for sight in seen} >= {"STANDARD", "STANDARD_IA", "GLACIER", "previous GLACIER"}
    assert [sight for sight in seen if not sight.proven] == []


def test_under_the_documented_lifecycle_a_stray_delete_destroys_the_only_copy(lives: Lives) -> None:
    assert lives.watch.states(lives.stray) == ["previous STANDARD", "previous GLACIER", GONE]
    assert lives.days_until(lives.stray, GONE) < lives.days_until(lives.left_alone, "previous GLACIER")


def test_an_overwritten_version_goes_after_its_days(lives: Lives) -> None:
    assert lives.watch.states(lives.overwritten) == ["STANDARD", "previous STANDARD", "previous GLACIER", GONE]
    assert lives.watch.states(lives.free_overwritten) == ["STANDARD", "previous STANDARD", GONE]
    assert lives.watch.states(lives.successor)[0] == "STANDARD"
    assert not lives.watch.is_gone(lives.successor)


def test_manifests_outlive_the_backups_they_describe(lives: Lives) -> None:
    for manifest, backup in ((lives.its_manifest, lives.left_alone), (lives.manifest_of_stray, lives.stray)):
        assert lives.watch.states(manifest)[0] == "STANDARD"
        assert not lives.watch.is_gone(manifest)
        hidden = lives.watch.sights(manifest)[1].at
        assert hidden > next(s.at for s in lives.watch.sights(backup) if s.state == "previous GLACIER")


def test_moves_leave_the_lock_and_the_lock_leaves_the_moves(lives: Lives) -> None:
    assert lives.watch.states(lives.free)[-1] == GONE
    assert lives.watch.states(lives.locked) == ["STANDARD", "STANDARD_IA", "GLACIER", "previous GLACIER"]
    (lock,) = lives.locks(lives.locked)
    assert lock is not None
    assert lock.holds_until(LOCK.retain_until(lives.locked.since))


def test_a_lock_keeps_a_version_until_it_ends_and_no_longer(lives: Lives) -> None:
    assert lives.watch.states(lives.brief)[-1] == GONE
    (lock,) = lives.locks(lives.brief)
    assert lock is not None
    assert lock.holds_until(lives.brief_end - timedelta(seconds=1))
    assert not lock.holds_until(lives.watch.sights(lives.brief)[-1].at)


def test_a_held_version_stays_until_it_is_released(lives: Lives) -> None:
    assert not lives.watch.is_gone(lives.held)
    release_holds(lives.held.vault, THIRD, THIRD, "closed")
    lives.watch.until(lambda: lives.watch.is_gone(lives.held))


def test_under_the_recommended_lifecycle_a_stray_delete_is_undone(lives: Lives) -> None:
    assert (lives.undone.version_id, lives.undone.copied_from) == (lives.locked_stray.version_id, None)
    assert lives.undone_is_proven
    assert "STANDARD" in lives.watch.states(lives.locked_stray)


def test_under_the_recommended_lifecycle_only_what_was_not_locked_goes(lives: Lives) -> None:
    assert lives.watch.states(lives.free_stray) == ["previous STANDARD", GONE]
    assert lives.watch.states(lives.locked_rest) == ["previous STANDARD"]


def test_the_recommended_lifecycle_moves_by_size_or_is_said_not_to(lives: Lives) -> None:
    moves = {None: ["STANDARD", "STANDARD_IA", "GLACIER_IR"], "rules by object size": ["STANDARD"]}
    current = [state for state in lives.watch.states(lives.moved) if not state.startswith("previous")]
    assert current == moves[lives.recommended.without]
    (lock,) = lives.locks(lives.moved)
    assert lock is not None
    assert lock.mode == LOCK.mode
