"""Making a bucket right: on the real server, on moto where that lacks a feature, and on stores that drop things."""

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
from signal_backups.core.retention.setup import Setting, make_right, plan_for
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
    """A vault whose bucket on the real server nobody has made yet."""
    return BackupVault(S3ObjectStore(s3_client(connection), f"new-{uuid.uuid4().hex}"), LAYOUT)


@pytest.fixture
def amazon() -> Iterator[BackupVault]:
    """A vault in moto, whose endpoint is Amazon's: every feature is there, and a missing one would be an error."""
    with mock_aws():
        yield BackupVault(S3ObjectStore(boto3.client("s3", region_name="eu-west-1"), "bucket"), LAYOUT)


def put_something(vault: BackupVault) -> None:
    vault.store.put_bytes("signals/2026/11/something.csv", b"data", "text/csv")


def settings_to_change(vault: BackupVault) -> list[Setting]:
    return [change.setting for change in plan_for(vault, DOCUMENTED).changes]


def test_everything_is_made_once_and_again_changes_nothing(amazon: BackupVault) -> None:
    assert settings_to_change(amazon) == ["bucket", "versioning", "public access block", "lifecycle"]
    assert make_right(amazon, DOCUMENTED, confirmed=False) == {}
    found = plan_for(amazon, DOCUMENTED)
    assert found.in_order
    assert found.missing_capabilities == {}
    bucket = amazon.store.configuration
    assert bucket.is_versioned()
    assert bucket.is_public_access_blocked()
    assert is_same(bucket.lifecycle(), lifecycle_of(DOCUMENTED, LAYOUT), LAYOUT)
    assert make_right(amazon, DOCUMENTED, confirmed=False) == {}


def test_what_the_embedded_server_cannot_do_is_a_capability_not_an_error(new: BackupVault) -> None:
    refused = make_right(new, DOCUMENTED, confirmed=False)
    assert set(refused) == {Setting.PUBLIC_ACCESS}
    found = plan_for(new, DOCUMENTED)
    assert found.in_order
    assert "NotImplemented" in found.missing_capabilities[Setting.PUBLIC_ACCESS]
    assert "moves to other storage classes" in found.missing_capabilities[Setting.LIFECYCLE]
    expiring = {rule["ID"]: rule["Expiration"] for rule in new.store.configuration.lifecycle().rules}
    assert expiring["signal-backups signals/ keep"] == {"Days": 2555}


def test_a_bucket_of_a_profile_with_a_lock_is_created_with_it(new: BackupVault) -> None:
    make_right(new, RECOMMENDED, confirmed=False)
    assert new.store.configuration.is_lock_enabled()
    assert plan_for(new, RECOMMENDED).in_order


def test_switching_the_lock_on_for_a_bucket_that_is_there_wants_a_confirmation(new: BackupVault) -> None:
    make_right(new, DOCUMENTED, confirmed=False)
    with pytest.raises(UnconfirmedError, match="never be switched off"):
        make_right(new, RECOMMENDED, confirmed=False)
    assert not new.store.configuration.is_lock_enabled()
    make_right(new, RECOMMENDED, confirmed=True)
    assert new.store.configuration.is_lock_enabled()


def test_a_bucket_that_cannot_get_the_lock_any_more_is_said_so(
    new: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_right(new, DOCUMENTED, confirmed=False)
    client = new.store._client

    def refuse(**_: Any) -> None:
        raise client.exceptions.ClientError(
            {"Error": {"Code": "InvalidBucketState"}, "ResponseMetadata": {"HTTPStatusCode": 409}}, "PutObjectLock"
        )

    monkeypatch.setattr(client, "put_object_lock_configuration", refuse)
    refused = make_right(new, RECOMMENDED, confirmed=True)
    assert "created without Object Lock" in refused[Setting.OBJECT_LOCK]
    assert [change.setting for change in plan_for(new, RECOMMENDED).changes] == [Setting.OBJECT_LOCK]


def test_foreign_rules_survive_and_are_named(amazon: BackupVault) -> None:
    bucket = amazon.store.configuration
    bucket.create()
    bucket.put_lifecycle(StoredLifecycle([FOREIGN]))
    make_right(amazon, DOCUMENTED, confirmed=False)
    assert plan_for(amazon, DOCUMENTED).foreign_rules == ("theirs",)
    assert [rule for rule in bucket.lifecycle().rules if rule["ID"] == "theirs"] == [FOREIGN]


def test_a_foreign_rule_against_ours_is_not_in_order_and_stays(amazon: BackupVault) -> None:
    bucket = amazon.store.configuration
    bucket.create()
    bucket.put_lifecycle(StoredLifecycle([{**FOREIGN, "Filter": {"Prefix": ""}}]))
    make_right(amazon, DOCUMENTED, confirmed=False)
    found = plan_for(amazon, DOCUMENTED)
    assert found.changes == ()
    assert not found.in_order
    assert any("'theirs' reaches signals/*" in threat for threat in found.threats)


def test_drift_is_seen_and_mended(amazon: BackupVault) -> None:
    make_right(amazon, DOCUMENTED, confirmed=False)
    amazon.store._client.delete_bucket_lifecycle(Bucket="bucket")
    amazon.store._client.delete_public_access_block(Bucket="bucket")
    amazon.store._client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Suspended"})
    assert settings_to_change(amazon) == ["versioning", "public access block", "lifecycle"]
    make_right(amazon, DOCUMENTED, confirmed=False)
    assert plan_for(amazon, DOCUMENTED).in_order


def test_only_the_settings_asked_for_are_changed(amazon: BackupVault) -> None:
    amazon.store.configuration.create()
    make_right(amazon, DOCUMENTED, confirmed=False, only={Setting.LIFECYCLE})
    assert settings_to_change(amazon) == ["versioning", "public access block"]


def test_what_would_delete_sooner_wants_a_confirmation_where_something_is_stored(new: BackupVault) -> None:
    make_right(new, RECOMMENDED, confirmed=False)
    make_right(new, DOCUMENTED, confirmed=False)
    make_right(new, RECOMMENDED, confirmed=False)
    put_something(new)
    before = new.store.configuration.lifecycle()
    with pytest.raises(
        UnconfirmedError, match="noncurrent versions of signals/\\* are kept 90 days instead of 2558 days"
    ):
        make_right(new, DOCUMENTED, confirmed=False)
    assert new.store.configuration.lifecycle() == before
    make_right(new, DOCUMENTED, confirmed=True)
    make_right(new, RECOMMENDED, confirmed=False)


def test_a_deleted_object_counts_as_stored(new: BackupVault) -> None:
    make_right(new, RECOMMENDED, confirmed=False)
    put_something(new)
    new.store._client.delete_object(Bucket=new.store.bucket, Key="signals/2026/11/something.csv")
    with pytest.raises(UnconfirmedError):
        make_right(new, DOCUMENTED, confirmed=False)


class Forgetful(BucketConfiguration):
    """A store that takes any lifecycle and forgets some words of it, as Ceph does with sizes."""

    forgets: tuple[str, ...] = ("ObjectSizeGreaterThan",)

    def lifecycle(self) -> StoredLifecycle:
        found = super().lifecycle()
        return StoredLifecycle([rule for rule in found.rules if not any(word in str(rule) for word in self.forgets)])

    @property
    def is_amazon(self) -> bool:
        return False


@pytest.fixture
def forgetful(amazon: BackupVault, monkeypatch: pytest.MonkeyPatch) -> BackupVault:
    bucket = Forgetful(amazon.store._client, "bucket")
    monkeypatch.setattr(S3ObjectStore, "configuration", bucket)
    return amazon


def test_a_store_that_forgets_sizes_gets_rules_without_them(forgetful: BackupVault) -> None:
    make_right(forgetful, RECOMMENDED, confirmed=False)
    found = plan_for(forgetful, RECOMMENDED)
    assert found.in_order
    assert "rules by object size" in found.missing_capabilities[Setting.LIFECYCLE]
    given = forgetful.store._client.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"]
    assert "ObjectSizeGreaterThan" not in str(given)


def test_moves_that_somebody_took_away_come_back_on_a_store_that_can(
    forgetful: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forgetful, "forgets", ("nothing",))
    make_right(forgetful, DOCUMENTED, confirmed=False)
    bucket = forgetful.store.configuration
    whole = bucket.lifecycle()
    names = {"Transitions", "NoncurrentVersionTransitions"}
    bucket.put_lifecycle(
        StoredLifecycle([{name: value for name, value in rule.items() if name not in names} for rule in whole.rules])
    )
    make_right(forgetful, DOCUMENTED, confirmed=False)
    assert bucket.lifecycle().rules == whole.rules


def test_a_store_that_keeps_other_rules_than_it_was_given_gets_its_old_ones_back(
    forgetful: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful.store.configuration.create()
    forgetful.store.configuration.put_lifecycle(StoredLifecycle([FOREIGN]))
    monkeypatch.setattr(Forgetful, "forgets", ("NoncurrentVersionExpiration",))
    with pytest.raises(StoreError, match="as it was before"):
        make_right(forgetful, DOCUMENTED, confirmed=False)
    assert forgetful.store._client.get_bucket_lifecycle_configuration(Bucket="bucket")["Rules"] == [FOREIGN]


def test_on_amazon_a_lifecycle_that_is_not_kept_is_an_error(
    forgetful: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forgetful, "is_amazon", True)
    with pytest.raises(StoreError, match="other rules than it was given"):
        make_right(forgetful, RECOMMENDED, confirmed=False)
    assert not plan_for(forgetful, RECOMMENDED).in_order


@pytest.mark.parametrize(
    ("endpoint", "is_amazon"),
    [
        (None, True),
        ("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", True),
        ("https://amazonaws.com.example.org", False),
        ("http://127.0.0.1:9000", False),
    ],
)
def test_amazons_own_endpoints_are_known(endpoint: str | None, is_amazon: bool) -> None:
    client = s3_client(
        S3Connection(endpoint_url=endpoint, region="eu-west-1", access_key_id="a", secret_access_key="b")
    )
    assert BucketConfiguration(client, "bucket").is_amazon is is_amazon


def policy_changes(vault: BackupVault) -> list[Event]:
    return recorded_events(vault, Action.POLICY_CHANGE)


def test_what_was_changed_is_told_once(amazon: BackupVault) -> None:
    planned = plan_for(amazon, DOCUMENTED).changes
    for _ in range(2):
        make_right(amazon, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(amazon)
    assert event.result == "changed"
    assert event.details == {
        "profile": "documented",
        "changes": {change.setting: list(change.lines) for change in planned},
    }
    amazon.store.configuration.put_lifecycle(StoredLifecycle())
    planned = plan_for(amazon, DOCUMENTED).changes
    make_right(amazon, DOCUMENTED, confirmed=False, only={Setting.LIFECYCLE})
    assert policy_changes(amazon)[1].details["changes"] == {"lifecycle": list(planned[0].lines)}


def test_what_the_store_refused_is_not_told_as_changed(new: BackupVault) -> None:
    for _ in range(2):
        make_right(new, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(new)
    assert set(event.details["changes"]) == {"bucket", "versioning", "lifecycle"}


def test_what_nobody_confirmed_is_not_told(new: BackupVault) -> None:
    make_right(new, DOCUMENTED, confirmed=False)
    with pytest.raises(UnconfirmedError):
        make_right(new, RECOMMENDED, confirmed=False)
    assert len(policy_changes(new)) == 1


def test_a_change_that_fails_half_way_is_told_as_far_as_it_came(
    amazon: BackupVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise StoreError("denied")

    monkeypatch.setattr(BucketConfiguration, "put_lifecycle", refused)
    with pytest.raises(StoreError, match="denied"):
        make_right(amazon, DOCUMENTED, confirmed=False)
    (event,) = policy_changes(amazon)
    assert (event.result, event.details["error"]) == ("changed in part", "denied")
    assert set(event.details["changes"]) == {"bucket", "versioning", "public access block"}
