"""Buckets and backups on the store under test: set up, stored, locked, deleted, brought back; all of it quick."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import next_midnight, utc_now, years_after
from signal_backups.core.base.errors import StoreError
from signal_backups.core.restore.fetch import fetch
from signal_backups.core.restore.selection import ChosenBackup, UnavailableDay, choose_days, choose_key
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.holds import list_holds, put_holds, release_holds
from signal_backups.core.retention.lifecycle_plan import is_same, reductions
from signal_backups.core.retention.lock_extension import extend
from signal_backups.core.retention.policy import PolicyCheck, PolicyFinding, examine_policy
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention.setup import set_up_bucket, setup_plan_of
from signal_backups.core.retention.setup_plan import Setting
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import verify_stored
from signal_backups_tests.acceptance.backups import (
    DOCUMENTED,
    PROFILES,
    RECOMMENDED,
    back_up,
    key_of,
    locking,
    made_days,
    profile_name,
)
from signal_backups_tests.acceptance.stores import MARKS, NewVault
from signal_backups_tests.core.retention.locked import delete
from signal_backups_tests.samples.days import DayRun

pytestmark = MARKS

DAY = date(2026, 11, 1)
FOREIGN = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 5}}
of_both_profiles = pytest.mark.parametrize("profile", PROFILES, ids=profile_name)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> DayRun:
    """A day ready to be stored."""
    return made_days(tmp_path_factory.mktemp("days"), [DAY])[DAY]


@pytest.fixture(scope="module")
def longer_run(tmp_path_factory: pytest.TempPathFactory) -> DayRun:
    """The same day with a signal that came late."""
    return made_days(tmp_path_factory.mktemp("days"), [DAY], more=1)[DAY]


def set_up(vault: BackupVault, profile: Profile) -> BackupVault:
    """The vault, its bucket made for a profile; what it stores is locked as that asks."""
    assert set_up_bucket(vault, profile, confirmed=False) == {}
    return locking(vault, profile.lock_policy)


def found(vault: BackupVault, profile: Profile) -> dict[PolicyCheck, PolicyFinding]:
    return {finding.check: finding for finding in examine_policy(vault, profile).findings}


def versions(vault: BackupVault) -> dict[tuple[str, str], ObjectVersion]:
    """Every version of every object of the bucket, by key and version id."""
    return {(version.key, version.version_id): version for version in vault.store.list_versions("")}


def is_refused(vault: BackupVault, version_id: str) -> bool:
    """Whether the store does not delete the version of the day's backup; it must be there still."""
    with pytest.raises(Exception, match="AccessDenied"):
        delete(vault, key_of(vault, DAY), version_id)
    return vault.store.head(key_of(vault, DAY), version_id) is not None


@of_both_profiles
def test_a_bucket_is_set_up_and_again_nothing_is_written(new_vault: NewVault, profile: Profile) -> None:
    vault = set_up(new_vault(), profile)
    assert setup_plan_of(vault, profile).in_order
    with vault.store.counted_requests() as asked:
        assert set_up_bucket(vault, profile, confirmed=False) == {}
    assert [operation for operation in asked if not operation.startswith(("Get", "Head", "List"))] == []
    assert [check for check, finding in found(vault, profile).items() if not finding.ok] == []
    assert vault.store.configuration.is_lock_enabled() == (profile.lock is not None)


def test_the_store_keeps_the_documented_lifecycle_whole(new_vault: NewVault) -> None:
    vault = set_up(new_vault(), DOCUMENTED)
    assert is_same(vault.store.configuration.lifecycle(), lifecycle_of(DOCUMENTED, vault.layout), vault.layout)
    assert setup_plan_of(vault, DOCUMENTED).missing_capabilities == {}


def test_the_store_keeps_the_recommended_lifecycle_or_the_plan_names_what_is_missing(new_vault: NewVault) -> None:
    vault = set_up(new_vault(), RECOMMENDED)
    stored, wanted = vault.store.configuration.lifecycle(), lifecycle_of(RECOMMENDED, vault.layout)
    (kept,) = [each for each in reductions(wanted)[:2] if is_same(stored, each.lifecycle, vault.layout)]
    missing = {Setting.LIFECYCLE: f"the lifecycle of this store has no {kept.without}"} if kept.without else {}
    assert setup_plan_of(vault, RECOMMENDED).missing_capabilities == missing
    assert found(vault, RECOMMENDED)[PolicyCheck.LIFECYCLE].unsupported == missing.get(Setting.LIFECYCLE)


@of_both_profiles
def test_a_foreign_rule_stays_as_it_is(new_vault: NewVault, profile: Profile) -> None:
    vault = set_up(new_vault(), profile)
    vault.store.configuration.put_lifecycle(StoredLifecycle([FOREIGN]))
    assert not setup_plan_of(vault, profile).in_order
    set_up_bucket(vault, profile, confirmed=False)
    plan = setup_plan_of(vault, profile)
    assert (plan.in_order, plan.foreign_rules) == (True, ("theirs",))
    assert FOREIGN in vault.store.configuration.lifecycle().rules


def test_a_bucket_gets_the_lock_later_or_the_plan_names_what_is_missing(new_vault: NewVault) -> None:
    vault = set_up(new_vault(), DOCUMENTED)
    refused = set_up_bucket(vault, RECOMMENDED, confirmed=True)
    assert vault.store.configuration.is_lock_enabled() == (Setting.OBJECT_LOCK not in refused)
    assert found(vault, RECOMMENDED)[PolicyCheck.OBJECT_LOCK].ok == (Setting.OBJECT_LOCK not in refused)


@of_both_profiles
def test_a_backup_is_stored_read_back_and_verified(
    new_vault: NewVault, profile: Profile, run: DayRun, tmp_path: Path
) -> None:
    vault = set_up(new_vault(), profile)
    stored = store_backup(vault, run.folder, BackupRun("first"))
    again = store_backup(vault, run.folder, BackupRun("second"))
    assert (stored.changed, again.changed) == (True, False)
    backup = vault.find(DAY)
    assert backup.is_vouched
    assert verify_stored(vault, backup, tmp_path).report.rows_hashed == run.report.records
    (chosen,) = choose_days(vault, DAY, DAY)
    assert isinstance(chosen, ChosenBackup)
    assert fetch(vault, chosen, tmp_path).csv.read_bytes() == run.csv


def test_each_object_of_a_backup_is_locked_by_its_put(new_vault: NewVault, run: DayRun) -> None:
    vault = set_up(new_vault(), RECOMMENDED)
    from_setup = versions(vault)
    before = utc_now()
    with vault.store.counted_requests() as asked:
        back_up(vault, run)
    assert "PutObject" in asked
    assert not {"PutObjectRetention", "PutObjectLegalHold"} & set(asked)
    stored = [version for name, version in versions(vault).items() if name not in from_setup]
    assert {version.key.partition("/")[0] for version in stored} == {"signals", "manifests", "audit"}
    for version in stored:
        lock = vault.store.lock_of(version.key, version.version_id)
        assert (lock.mode, lock.legal_hold) == (LockMode.GOVERNANCE, False)
        assert lock.holds_until(years_after(before, 7))
    assert [check for check, finding in found(vault, RECOMMENDED).items() if not finding.ok] == []


def test_a_locked_version_is_not_deleted(new_vault: NewVault, run: DayRun) -> None:
    vault = set_up(new_vault(), RECOMMENDED)
    assert is_refused(vault, back_up(vault, run))


@of_both_profiles
def test_a_deleted_backup_is_named_and_comes_back(
    new_vault: NewVault, profile: Profile, run: DayRun, tmp_path: Path
) -> None:
    vault = set_up(new_vault(), profile)
    version_id = back_up(vault, run)
    key = key_of(vault, DAY)
    delete(vault, key)
    assert vault.backups(DAY, DAY) == []
    assert isinstance(choose_days(vault, DAY, DAY)[0], UnavailableDay)
    finding = found(vault, profile)[PolicyCheck.DELETE_MARKERS]
    assert [line.split()[0] for line in finding.deviations] == [key]
    undone = undelete(vault, DAY, None, tmp_path)
    assert (undone.version_id, undone.copied_from) == (version_id, None)
    assert vault.find(DAY).is_vouched
    assert verify_stored(vault, vault.find(DAY), tmp_path).report.ok
    assert found(vault, profile)[PolicyCheck.DELETE_MARKERS].ok


@of_both_profiles
def test_an_overwritten_version_is_kept_and_can_be_current_again(
    new_vault: NewVault, profile: Profile, run: DayRun, longer_run: DayRun, tmp_path: Path
) -> None:
    vault = set_up(new_vault(), profile)
    older, newer = back_up(vault, run), back_up(vault, longer_run)
    versions = vault.versions(DAY)
    assert [version.version.version_id for version in versions] == [newer, older]
    assert [version.records for version in versions] == [run.report.records + 1, run.report.records]
    chosen = choose_key(vault, key_of(vault, DAY), older)
    assert fetch(vault, chosen, tmp_path).csv.read_bytes() == run.csv
    assert undelete(vault, DAY, older, tmp_path).copied_from == older
    assert vault.find(DAY).manifest == vault.manifest(vault.find(DAY).slot)
    assert len(vault.versions(DAY)) == 3


def test_a_retention_becomes_longer_and_never_shorter(new_vault: NewVault, run: DayRun) -> None:
    vault = set_up(new_vault(), RECOMMENDED)
    version_id, key = back_up(vault, run), key_of(vault, DAY)
    end = vault.store.lock_of(key, version_id).retain_until
    assert end is not None
    later = next_midnight(end + timedelta(days=30))
    extended = extend(vault, LockPolicy(LockMode.GOVERNANCE, 7), (DAY, DAY), until=later)
    assert len(extended.changes) == 2
    with pytest.raises(StoreError, match="AccessDenied"):
        vault.store.set_retention(key, version_id, LockMode.GOVERNANCE, end)
    assert vault.store.lock_of(key, version_id).retain_until == later


def test_a_legal_hold_keeps_a_version_until_it_is_released(new_vault: NewVault, run: DayRun) -> None:
    vault = locking(set_up(new_vault(), RECOMMENDED), None)
    version_id = back_up(vault, run)
    assert len(put_holds(vault, DAY, DAY, "a case").changed) == 2
    assert is_refused(vault, version_id)
    assert [len(day.held) for day in list_holds(vault, DAY, DAY)] == [2]
    assert len(release_holds(vault, DAY, DAY, "closed").changed) == 2
    delete(vault, key_of(vault, DAY), version_id)
    assert vault.store.head(key_of(vault, DAY), version_id) is None
