"""The five claims about a bucket, each broken for real and mended."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from signal_backups.core.backup.store_backup import BackupRun, store_backup
from signal_backups.core.base.days import utc_now
from signal_backups.core.restore.undelete import undelete
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.policy import Claim, PolicyFinding, examine_policy, hidden_objects
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.setup import make_right
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


def findings(vault: BackupVault, profile: Profile = DOCUMENTED) -> dict[Claim, PolicyFinding]:
    return {finding.claim: finding for finding in examine_policy(vault, profile).findings}


def broken(vault: BackupVault, profile: Profile = DOCUMENTED) -> set[Claim]:
    return {claim for claim, finding in findings(vault, profile).items() if not finding.holds}


@pytest.fixture
def right(connection: S3Connection) -> BackupVault:
    """A vault in a bucket of its own on the real server, made right by the documented profile."""
    vault = BackupVault(S3ObjectStore(s3_client(connection), f"new-{uuid.uuid4().hex}"), Layout())
    make_right(vault, DOCUMENTED, confirmed=False)
    return vault


def locking(vault: BackupVault, policy: LockPolicy | None) -> BackupVault:
    """The same bucket, written to under another lock policy."""
    return BackupVault(S3ObjectStore(vault.store._client, vault.store.bucket, lock=policy), vault.layout)


def test_a_bucket_made_right_holds_all_claims(right: BackupVault, three: DayRun) -> None:
    store_backup(right, three.folder, BackupRun("run"))
    found = findings(right)
    assert list(found) == list(Claim)
    assert broken(right) == set()
    assert "NotImplemented" in str(found[Claim.PUBLIC_ACCESS].cannot)


def test_without_versions_the_claim_of_versioning_fails_alone(right: BackupVault) -> None:
    right.store._client.put_bucket_versioning(
        Bucket=right.store.bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert broken(right) == {Claim.VERSIONING}
    assert findings(right)[Claim.VERSIONING].remedy == "signal-backups init"


def test_a_changed_lifecycle_names_what_differs_and_what_mends_it(right: BackupVault) -> None:
    bucket = right.store.configuration
    stored = bucket.lifecycle()
    changed = [
        {**rule, "Status": "Disabled"} if rule["ID"].endswith("signals/ keep") else rule for rule in stored.rules
    ]
    bucket.put_lifecycle(StoredLifecycle(changed, stored.transition_minimum))
    assert broken(right) == {Claim.LIFECYCLE}
    finding = findings(right)[Claim.LIFECYCLE]
    assert finding.against[0].startswith("- signals/*")
    assert "(disabled)" in finding.against[0]
    assert finding.remedy == "signal-backups lifecycle apply"


def test_a_foreign_rule_against_ours_breaks_the_claim_of_the_lifecycle(right: BackupVault) -> None:
    bucket = right.store.configuration
    stored = bucket.lifecycle()
    foreign = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    bucket.put_lifecycle(StoredLifecycle([*stored.rules, foreign], stored.transition_minimum))
    assert broken(right) == {Claim.LIFECYCLE}
    assert "'theirs'" in findings(right)[Claim.LIFECYCLE].against[0]


def test_public_access_that_is_not_blocked_is_found() -> None:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        vault = BackupVault(S3ObjectStore(client, "bucket"), Layout())
        make_right(vault, DOCUMENTED, confirmed=False)
        assert broken(vault) == set()
        blocks = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True}
        client.put_public_access_block(Bucket="bucket", PublicAccessBlockConfiguration=blocks)  # type: ignore[arg-type]
        assert broken(vault) == {Claim.PUBLIC_ACCESS}


def test_a_profile_with_a_lock_wants_the_bucket_and_its_newest_backups_locked(
    connection: S3Connection, locked_bucket: str, three: DayRun
) -> None:
    client = s3_client(connection)
    unlocked = BackupVault(S3ObjectStore(client, locked_bucket), Layout())
    make_right(unlocked, RECOMMENDED, confirmed=True)
    assert broken(unlocked, RECOMMENDED) == set()
    store_backup(unlocked, three.folder, BackupRun("run"))
    assert broken(unlocked, RECOMMENDED) == {Claim.OBJECT_LOCK}
    finding = findings(unlocked, RECOMMENDED)[Claim.OBJECT_LOCK]
    assert "lock none, wanted compliance until" in finding.against[0]
    assert finding.remedy == f"signal-backups lock extend --from {DAY} --to {DAY}"


@pytest.mark.parametrize(
    ("policy", "holds"),
    [
        (LockPolicy(LockMode.COMPLIANCE, 7), True),
        (LockPolicy(LockMode.COMPLIANCE, 6), False),
        (LockPolicy(LockMode.GOVERNANCE, 7), False),
        (LockPolicy(LockMode.COMPLIANCE, 8), True),
    ],
)
def test_a_lock_must_be_as_long_and_as_strong_as_the_profile_says(
    connection: S3Connection, locked_bucket: str, three: DayRun, policy: LockPolicy, holds: bool
) -> None:
    vault = BackupVault(S3ObjectStore(s3_client(connection), locked_bucket, lock=policy), Layout())
    make_right(vault, RECOMMENDED, confirmed=True)
    store_backup(vault, three.folder, BackupRun("run"))
    assert findings(vault, RECOMMENDED)[Claim.OBJECT_LOCK].holds is holds


def test_a_bucket_without_lock_breaks_the_claim_of_a_profile_that_wants_one(right: BackupVault) -> None:
    assert Claim.OBJECT_LOCK in broken(right, RECOMMENDED)


def test_a_stray_delete_is_found_named_and_undone(right: BackupVault, three: DayRun, tmp_path: object) -> None:
    store_backup(right, three.folder, BackupRun("run"))
    key = right.backups(DAY, DAY)[0].key
    right.store._client.delete_object(Bucket=right.store.bucket, Key=key)
    finding = findings(right)[Claim.DELETE_MARKERS]
    assert finding.against[0].startswith(f"{key} was deleted at ")
    assert finding.remedy == f"signal-backups undelete {DAY}"
    undelete(right, DAY, None, three.folder.path)
    assert broken(right) == set()


def test_a_deleted_manifest_is_found_too(right: BackupVault, three: DayRun) -> None:
    store_backup(right, three.folder, BackupRun("run"))
    (manifest,) = right.store.list_current("manifests/")
    right.store._client.delete_object(Bucket=right.store.bucket, Key=manifest.key)
    assert broken(right) == {Claim.DELETE_MARKERS}


def test_a_backup_of_which_no_version_is_current_is_named_and_comes_back(
    right: BackupVault, three: DayRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ceph 16 can leave a version that is not the latest, with no marker on top, when it moves one."""
    store_backup(right, three.folder, BackupRun("run"))
    key = right.backups(DAY, DAY)[0].key
    real_list, real_head = right.store.list_versions, right.store.head

    def listed(prefix: str) -> list[ObjectVersion]:
        found = real_list(prefix)
        lost = [version for version in found if version.key == key]
        return [replace(each, is_latest=False) if lost == [each] else each for each in found]

    def head(wanted: str, version_id: str | None = None) -> ObjectVersion | None:
        only_one = len([version for version in real_list(wanted) if version.key == key]) == 1
        return None if wanted == key and version_id is None and only_one else real_head(wanted, version_id)

    def put_anyway(*arguments: Any, **options: Any) -> str:
        return real_put(*arguments, **{**options, "replaces": real_head(key)})

    real_put = right.store.put_file
    for name, stand_in in (("list_versions", listed), ("head", head), ("put_file", put_anyway)):
        monkeypatch.setattr(right.store, name, stand_in)
    finding = findings(right)[Claim.DELETE_MARKERS]
    assert finding.against == (f"{key} has versions, and the store has none of them current",)
    assert finding.remedy == f"signal-backups undelete {DAY}"
    done = undelete(right, DAY, None, three.folder.path)
    assert done.copied_from == real_list(key)[-1].version_id
    assert broken(right) == set()


def test_a_record_whose_retention_is_over_may_be_hidden(right: BackupVault, three: DayRun) -> None:
    store_backup(right, three.folder, BackupRun("run"))
    right.store._client.delete_object(Bucket=right.store.bucket, Key=right.backups(DAY, DAY)[0].key)
    assert len(hidden_objects(right, DOCUMENTED, lambda: utc_now() + timedelta(days=2554))) == 1
    assert hidden_objects(right, DOCUMENTED, lambda: utc_now() + timedelta(days=2556)) == []
    assert len(hidden_objects(right, RECOMMENDED, lambda: utc_now() + timedelta(days=2556))) == 1
    assert hidden_objects(right, RECOMMENDED, lambda: utc_now() + timedelta(days=2558)) == []
