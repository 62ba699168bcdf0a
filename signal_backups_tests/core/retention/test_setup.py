"""Setting up a bucket: on the real server, on moto for features it lacks, and on stores that drop parts of rules."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from signal_backups.core.base.errors import StoreError, UnconfirmedError
from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.retention.lifecycle_plan import is_same
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.retention.setup import set_up_bucket, setup_plan_of
from signal_backups.core.retention.setup_plan import Setting
from signal_backups.core.s3.bucket import BucketConfiguration, StoredLifecycle
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups_tests.core.ledger.recorded_events import recorded_events

DOCUMENTED, RECOMMENDED = load_profile("documented"), load_profile("recommended")
LAYOUT = Layout()
FOREIGN = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 5}}


@pytest.fixture
def new(connection: S3Connection) -> BackupVault:
    """A vault whose bucket does not exist yet, on the real server."""
    return BackupVault(S3ObjectStore(s3_client(connection), f"new-{uuid.uuid4().hex}"), LAYOUT)


@pytest.fixture
def amazon() -> Iterator[BackupVault]:
    """A vault in moto: the endpoint is Amazon's, so a missing feature would be an error."""
    with mock_aws():
        yield BackupVault(S3ObjectStore(boto3.client("s3", region_name="eu-west-1"), "bucket"), LAYOUT)


def put_something(vault: BackupVault) -> None:
    vault.store.put_bytes("signals/2026/11/something.csv", b"data", "text/csv")


def settings_to_change(vault: BackupVault) -> list[Setting]:
    return [change.setting for change in setup_plan_of(vault, DOCUMENTED).changes]


def test_a_second_setup_changes_nothing(amazon: BackupVault) -> None:
    assert settings_to_change(amazon) == ["bucket", "versioning", "public access block", "lifecycle"]
    assert set_up_bucket(amazon, DOCUMENTED, confirmed=False) == {}
    found = setup_plan_of(amazon, DOCUMENTED)
    assert found.in_order
    assert found.missing_capabilities == {}
    bucket = amazon.store.configuration
    assert bucket.is_versioned()
    assert bucket.is_public_access_blocked()
    assert is_same(bucket.lifecycle(), lifecycle_of(DOCUMENTED, LAYOUT), LAYOUT)
    assert set_up_bucket(amazon, DOCUMENTED, confirmed=False) == {}


def test_a_feature_the_embedded_server_lacks_is_a_missing_capability_and_no_error(new: BackupVault) -> None:
    refused = set_up_bucket(new, DOCUMENTED, confirmed=False)
    assert set(refused) == {Setting.PUBLIC_ACCESS}
    found = setup_plan_of(new, DOCUMENTED)
    assert found.in_order
    assert "NotImplemented" in found.missing_capabilities[Setting.PUBLIC_ACCESS]
    assert "transitions to other storage classes" in found.missing_capabilities[Setting.LIFECYCLE]
    expiring = {rule["ID"]: rule["Expiration"] for rule in new.store.configuration.lifecycle().rules}
    assert expiring["signal-backups signals/ keep"] == {"Days": 2555}


def test_a_bucket_for_a_profile_with_a_lock_is_created_with_object_lock(new: BackupVault) -> None:
    set_up_bucket(new, RECOMMENDED, confirmed=False)
    assert new.store.configuration.is_lock_enabled()
    assert setup_plan_of(new, RECOMMENDED).in_order


def test_enabling_object_lock_on_an_existing_bucket_needs_a_confirmation(new: BackupVault) -> None:
    set_up_bucket(new, DOCUMENTED, confirmed=False)
    with pytest.raises(UnconfirmedError, match="never be switched off"):
        set_up_bucket(new, RECOMMENDED, confirmed=False)
    assert not new.store.configuration.is_lock_enabled()
    set_up_bucket(new, RECOMMENDED, confirmed=True)
    assert new.store.configuration.is_lock_enabled()


def test_an_existing_bucket_that_cannot_get_object_lock_is_reported(
    new: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up_bucket(new, DOCUMENTED, confirmed=False)
    client = new.store._client

    def refuse(**_: Any) -> None:
        raise client.exceptions.ClientError(
            {"Error": {"Code": "InvalidBucketState"}, "ResponseMetadata": {"HTTPStatusCode": 409}}, "PutObjectLock"
        )

    monkeypatch.setattr(client, "put_object_lock_configuration", refuse)
    refused = set_up_bucket(new, RECOMMENDED, confirmed=True)
    assert "created without Object Lock" in refused[Setting.OBJECT_LOCK]
    assert [change.setting for change in setup_plan_of(new, RECOMMENDED).changes] == [Setting.OBJECT_LOCK]


def test_foreign_rules_are_kept_and_reported(amazon: BackupVault) -> None:
    bucket = amazon.store.configuration
    bucket.create()
    bucket.put_lifecycle(StoredLifecycle([FOREIGN]))
    set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    assert setup_plan_of(amazon, DOCUMENTED).foreign_rules == ("theirs",)
    assert [rule for rule in bucket.lifecycle().rules if rule["ID"] == "theirs"] == [FOREIGN]


def test_a_foreign_rule_that_contradicts_ours_is_reported_and_kept(amazon: BackupVault) -> None:
    bucket = amazon.store.configuration
    bucket.create()
    bucket.put_lifecycle(StoredLifecycle([{**FOREIGN, "Filter": {"Prefix": ""}}]))
    set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    found = setup_plan_of(amazon, DOCUMENTED)
    assert found.changes == ()
    assert not found.in_order
    assert any("'theirs' applies to signals/*" in threat for threat in found.threats)


def test_drift_is_detected_and_fixed(amazon: BackupVault) -> None:
    set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    amazon.store._client.delete_bucket_lifecycle(Bucket="bucket")
    amazon.store._client.delete_public_access_block(Bucket="bucket")
    amazon.store._client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})
    assert settings_to_change(amazon) == ["versioning", "public access block", "lifecycle"]
    set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    assert setup_plan_of(amazon, DOCUMENTED).in_order


def test_only_the_requested_settings_are_changed(amazon: BackupVault) -> None:
    amazon.store.configuration.create()
    set_up_bucket(amazon, DOCUMENTED, confirmed=False, only={Setting.LIFECYCLE})
    assert settings_to_change(amazon) == ["versioning", "public access block"]


def test_deleting_sooner_needs_a_confirmation_if_objects_are_stored(new: BackupVault) -> None:
    set_up_bucket(new, RECOMMENDED, confirmed=False)
    set_up_bucket(new, DOCUMENTED, confirmed=False)
    set_up_bucket(new, RECOMMENDED, confirmed=False)
    put_something(new)
    before = new.store.configuration.lifecycle()
    with pytest.raises(
        UnconfirmedError, match="noncurrent versions of signals/\\* are kept 90 days instead of 2558 days"
    ):
        set_up_bucket(new, DOCUMENTED, confirmed=False)
    assert new.store.configuration.lifecycle() == before
    set_up_bucket(new, DOCUMENTED, confirmed=True)
    set_up_bucket(new, RECOMMENDED, confirmed=False)


def test_an_object_under_a_delete_marker_counts_as_stored(new: BackupVault) -> None:
    set_up_bucket(new, RECOMMENDED, confirmed=False)
    put_something(new)
    new.store._client.delete_object(Bucket=new.store.bucket, Key="signals/2026/11/something.csv")
    with pytest.raises(UnconfirmedError):
        set_up_bucket(new, DOCUMENTED, confirmed=False)


class DroppingBucket(BucketConfiguration):
    """A store that accepts any lifecycle and drops some rules, as Ceph does with rules by size."""

    drops: tuple[str, ...] = ("ObjectSizeGreaterThan",)

    def lifecycle(self) -> StoredLifecycle:
        found = super().lifecycle()
        return StoredLifecycle([rule for rule in found.rules if not any(word in str(rule) for word in self.drops)])

    @property
    def is_amazon(self) -> bool:
        return False


@pytest.fixture
def dropping(amazon: BackupVault, monkeypatch: pytest.MonkeyPatch) -> BackupVault:
    bucket = DroppingBucket(amazon.store._client, "bucket")
    monkeypatch.setattr(S3ObjectStore, "configuration", bucket)
    return amazon


def test_a_store_that_drops_rules_by_size_gets_none(dropping: BackupVault) -> None:
    set_up_bucket(dropping, RECOMMENDED, confirmed=False)
    found = setup_plan_of(dropping, RECOMMENDED)
    assert found.in_order
    assert "rules by object size" in found.missing_capabilities[Setting.LIFECYCLE]
    given = dropping.store._client.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    assert "ObjectSizeGreaterThan" not in str(given)


def test_removed_transitions_are_restored_on_a_store_that_supports_them(
    dropping: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DroppingBucket, "drops", ("nothing",))
    set_up_bucket(dropping, DOCUMENTED, confirmed=False)
    bucket = dropping.store.configuration
    complete = bucket.lifecycle()
    names = {"Transitions", "NoncurrentVersionTransitions"}
    bucket.put_lifecycle(
        StoredLifecycle([{name: value for name, value in rule.items() if name not in names} for rule in complete.rules])
    )
    set_up_bucket(dropping, DOCUMENTED, confirmed=False)
    assert bucket.lifecycle().rules == complete.rules


def test_the_old_rules_are_restored_if_the_store_keeps_other_rules_than_it_was_given(
    dropping: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropping.store.configuration.create()
    dropping.store.configuration.put_lifecycle(StoredLifecycle([FOREIGN]))
    monkeypatch.setattr(DroppingBucket, "drops", ("NoncurrentVersionExpiration",))
    with pytest.raises(StoreError, match="the old one was restored"):
        set_up_bucket(dropping, DOCUMENTED, confirmed=False)
    assert dropping.store._client.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"] == [FOREIGN]


def test_on_amazon_s3_a_lifecycle_that_is_not_kept_is_an_error(
    dropping: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DroppingBucket, "is_amazon", True)
    with pytest.raises(StoreError, match="other rules than it was given"):
        set_up_bucket(dropping, RECOMMENDED, confirmed=False)
    assert not setup_plan_of(dropping, RECOMMENDED).in_order


@pytest.mark.parametrize(
    ("endpoint", "is_amazon"),
    [
        (None, True),
        ("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", True),
        ("https://amazonaws.com.example.org", False),
        ("http://127.0.0.1:9000", False),
    ],
)
def test_endpoints_of_amazon_s3_are_recognized(endpoint: str | None, is_amazon: bool) -> None:
    client = s3_client(
        S3Connection(endpoint_url=endpoint, region="eu-west-1", access_key_id="a", secret_access_key="b")
    )
    assert BucketConfiguration(client, "bucket").is_amazon is is_amazon


def policy_changes(vault: BackupVault) -> list[Event]:
    return recorded_events(vault, Action.POLICY_CHANGE)


def test_changes_are_recorded_once(amazon: BackupVault) -> None:
    planned = setup_plan_of(amazon, DOCUMENTED).changes
    for _ in range(2):
        set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(amazon)
    assert event.result == "changed"
    assert event.details == {
        "profile": "documented",
        "changes": {change.setting: list(change.lines) for change in planned},
    }
    amazon.store.configuration.put_lifecycle(StoredLifecycle())
    planned = setup_plan_of(amazon, DOCUMENTED).changes
    set_up_bucket(amazon, DOCUMENTED, confirmed=False, only={Setting.LIFECYCLE})
    assert policy_changes(amazon)[1].details["changes"] == {"lifecycle": list(planned[0].lines)}


def test_a_setting_that_the_store_refused_is_not_recorded_as_changed(new: BackupVault) -> None:
    for _ in range(2):
        set_up_bucket(new, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(new)
    assert set(event.details["changes"]) == {"bucket", "versioning", "lifecycle"}


def test_an_unconfirmed_change_is_not_recorded(new: BackupVault) -> None:
    set_up_bucket(new, DOCUMENTED, confirmed=False)
    with pytest.raises(UnconfirmedError):
        set_up_bucket(new, RECOMMENDED, confirmed=False)
    assert len(policy_changes(new)) == 1


def test_the_changes_before_a_failure_are_recorded(amazon: BackupVault, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise StoreError("denied")

    monkeypatch.setattr(BucketConfiguration, "put_lifecycle", refused)
    with pytest.raises(StoreError, match="denied"):
        set_up_bucket(amazon, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(amazon)
    assert (event.result, event.details["error"]) == ("changed in part", "denied")
    assert set(event.details["changes"]) == {"bucket", "versioning", "public access block"}
