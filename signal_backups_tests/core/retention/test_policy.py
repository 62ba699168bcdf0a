"""The five policy checks of a bucket: each fails after a real change of the bucket, and passes again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.policy import PolicyCheck, PolicyFinding, examine_policy, hidden_objects
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import set_up_bucket
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_lock import LockMode, LockPolicy
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.samples.days import DayRun
from signal_backups_tests.samples.signals import DAY

DOCUMENTED, RECOMMENDED = load_profile("documented"), load_profile("recommended")


def findings(vault: BackupVault, profile: Profile = DOCUMENTED) -> dict[PolicyCheck, PolicyFinding]:
    return {finding.check: finding for finding in examine_policy(vault, profile).findings}


def failed(vault: BackupVault, profile: Profile = DOCUMENTED) -> set[PolicyCheck]:
    return {check for check, finding in findings(vault, profile).items() if not finding.ok}


@pytest.fixture
def configured(connection: S3Connection) -> BackupVault:
    """A vault in a new bucket on the real server, set up by the documented profile."""
    vault = BackupVault(S3ObjectStore(s3_client(connection), f"new-{uuid.uuid4().hex}"), Layout())
    set_up_bucket(vault, DOCUMENTED, confirmed=False)
    return vault


def test_a_configured_bucket_passes_all_checks(configured: BackupVault, three: DayRun) -> None:
    store_backup(configured, three.folder, BackupRun("run"))
    found = findings(configured)
    assert list(found) == list(PolicyCheck)
    assert failed(configured) == set()
    assert "NotImplemented" in str(found[PolicyCheck.PUBLIC_ACCESS].unsupported)


def test_suspended_versioning_fails_only_its_own_check(configured: BackupVault) -> None:
    configured.store._client.put_bucket_versioning(
        Bucket=configured.store.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert failed(configured) == {PolicyCheck.VERSIONING}
    assert findings(configured)[PolicyCheck.VERSIONING].remedy == "signal-backups init"


def test_a_changed_lifecycle_is_reported_with_its_difference_and_remedy(configured: BackupVault) -> None:
    bucket = configured.store.configuration
    stored = bucket.lifecycle()
    changed = [
        {**rule, "Status": "Disabled"} if rule["ID"].endswith("signals/ keep") else rule for rule in stored.rules
    ]
    bucket.put_lifecycle(StoredLifecycle(changed, stored.transition_minimum))
    assert failed(configured) == {PolicyCheck.LIFECYCLE}
    finding = findings(configured)[PolicyCheck.LIFECYCLE]
    assert finding.deviations[0].startswith("- signals/*")
    assert "(disabled)" in finding.deviations[0]
    assert finding.remedy == "signal-backups lifecycle apply"


def test_a_foreign_rule_that_contradicts_ours_fails_the_lifecycle_check(configured: BackupVault) -> None:
    bucket = configured.store.configuration
    stored = bucket.lifecycle()
    foreign = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    bucket.put_lifecycle(StoredLifecycle([*stored.rules, foreign], stored.transition_minimum))
    assert failed(configured) == {PolicyCheck.LIFECYCLE}
    assert "'theirs'" in findings(configured)[PolicyCheck.LIFECYCLE].deviations[0]


def test_an_incomplete_public_access_block_is_found() -> None:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        vault = BackupVault(S3ObjectStore(client, "bucket"), Layout())
        set_up_bucket(vault, DOCUMENTED, confirmed=False)
        assert failed(vault) == set()
        blocks = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
        client.put_public_access_block(Bucket="bucket", PublicAccessBlockConfiguration=blocks)  # type: ignore[arg-type]
        assert failed(vault) == {PolicyCheck.PUBLIC_ACCESS}


def test_a_profile_with_a_lock_requires_locks_on_the_newest_backups(
    connection: S3Connection, locked_bucket: str, three: DayRun
) -> None:
    client = s3_client(connection)
    unlocked = BackupVault(S3ObjectStore(client, locked_bucket), Layout())
    set_up_bucket(unlocked, RECOMMENDED, confirmed=True)
    assert failed(unlocked, RECOMMENDED) == set()
    store_backup(unlocked, three.folder, BackupRun("run"))
    assert failed(unlocked, RECOMMENDED) == {PolicyCheck.OBJECT_LOCK}
    finding = findings(unlocked, RECOMMENDED)[PolicyCheck.OBJECT_LOCK]
    assert "lock none, wanted compliance until" in finding.deviations[0]
    assert finding.remedy == f"signal-backups lock extend --from {DAY} --to {DAY}"


@pytest.mark.parametrize(
    ("policy", "ok"),
    [
        (LockPolicy(LockMode.COMPLIANCE, 7), True),
        (LockPolicy(LockMode.COMPLIANCE, 6), False),
        (LockPolicy(LockMode.GOVERNANCE, 7), False),
        (LockPolicy(LockMode.COMPLIANCE, 8), True),
    ],
)
def test_a_lock_must_be_as_long_and_as_strong_as_in_the_profile(
    connection: S3Connection, locked_bucket: str, three: DayRun, policy: LockPolicy, ok: bool
) -> None:
    vault = BackupVault(S3ObjectStore(s3_client(connection), locked_bucket, lock=policy), Layout())
    set_up_bucket(vault, RECOMMENDED, confirmed=True)
    store_backup(vault, three.folder, BackupRun("run"))
    assert findings(vault, RECOMMENDED)[PolicyCheck.OBJECT_LOCK].ok is ok


def test_a_bucket_without_object_lock_fails_a_profile_that_requires_it(configured: BackupVault) -> None:
    assert PolicyCheck.OBJECT_LOCK in failed(configured, RECOMMENDED)


def test_an_unexpected_delete_is_reported_and_can_be_undone(configured: BackupVault, three: DayRun) -> None:
    store_backup(configured, three.folder, BackupRun("run"))
    key = configured.backups(DAY, DAY)[0].key
    configured.store._client.delete_object(Bucket=configured.store.bucket, Key=key)
    finding = findings(configured)[PolicyCheck.DELETE_MARKERS]
    assert finding.deviations[0].startswith(f"{key} was deleted at ")
    assert finding.remedy == f"signal-backups undelete {DAY}"
    undelete(configured, DAY, None, three.folder.path)
    assert failed(configured) == set()


def test_a_deleted_manifest_is_found_too(configured: BackupVault, three: DayRun) -> None:
    store_backup(configured, three.folder, BackupRun("run"))
    (manifest,) = configured.store.list_current("manifests/")
    configured.store._client.delete_object(Bucket=configured.store.bucket, Key=manifest.key)
    assert failed(configured) == {PolicyCheck.DELETE_MARKERS}


def test_a_backup_without_a_current_version_is_reported_and_can_be_undeleted(
    configured: BackupVault, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ceph 16 can lose the current version in a transition: no version is the latest, and there is no delete marker."""
    store_backup(configured, three.folder, BackupRun("run"))
    key = configured.backups(DAY, DAY)[0].key
    real_list, real_head = configured.store.list_versions, configured.store.head

    def listed(prefix: str) -> list[ObjectVersion]:
        found = real_list(prefix)
        lost = [version for version in found if version.key == key]
        return [replace(each, is_latest=False) if lost == [each] else each for each in found]

    def head(wanted: str, version_id: str | None = None) -> ObjectVersion | None:
        only_one = len([version for version in real_list(wanted) if version.key == key]) == 1
        return None if wanted == key and version_id is None and only_one else real_head(wanted, version_id)

    def put_anyway(*arguments: Any, **options: Any) -> str:
        return real_put(*arguments, **{**options, "replaces": real_head(key)})

    real_put = configured.store.put_file
    for name, stand_in in (("list_versions", listed), ("head", head), ("put_file", put_anyway)):
        monkeypatch.setattr(configured.store, name, stand_in)
    finding = findings(configured)[PolicyCheck.DELETE_MARKERS]
    assert finding.deviations == (f"{key} has versions, but none of them is current",)
    assert finding.remedy == f"signal-backups undelete {DAY}"
    done = undelete(configured, DAY, None, three.folder.path)
    assert done.copied_from == real_list(key)[-1].version_id
    assert failed(configured) == set()


def test_a_backup_whose_retention_is_over_may_be_hidden(configured: BackupVault, three: DayRun) -> None:
    store_backup(configured, three.folder, BackupRun("run"))
    configured.store._client.delete_object(Bucket=configured.store.bucket, Key=configured.backups(DAY, DAY)[0].key)
    assert len(hidden_objects(configured, DOCUMENTED, lambda: utc_now() + timedelta(days=2554))) == 1
    assert hidden_objects(configured, DOCUMENTED, lambda: utc_now() + timedelta(days=2556)) == []
    assert len(hidden_objects(configured, RECOMMENDED, lambda: utc_now() + timedelta(days=2556))) == 1
    assert hidden_objects(configured, RECOMMENDED, lambda: utc_now() + timedelta(days=2558)) == []
