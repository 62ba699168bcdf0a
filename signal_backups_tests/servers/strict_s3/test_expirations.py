"""What rules of expiration do as days pass. Dates are worked out by hand from AWS's guide:

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html

Objects are made on 2026-01-01 at 02:00 UTC. An age of n days is reached at the first midnight that is not before n days
later: 1 day is 2026-01-02 02:00, acted upon at 2026-01-03 00:00.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.helpers import BUCKET, LOCKED, put_rules, versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SECOND = timedelta(seconds=1)


def _at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _put(client: S3Client, key: str = "k", body: bytes = b"1", bucket: str = BUCKET, **more: Any) -> str:
    return client.put_object(Bucket=bucket, Key=key, Body=body, **more).get("VersionId", "null")


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (1, _at(2026, 1, 3)),
        # 2028 and 2032 are leap years: 2557 days make seven years. 2555 end 26 hours before they do.
        (2555, _at(2032, 12, 31)),
        (2557, _at(2033, 1, 2)),
    ],
)
def test_an_age_is_rounded_up_to_the_next_midnight(
    client: S3Client, clock: SimulatedClock, days: int, due: datetime
) -> None:
    _put(client)
    put_rules(client, BUCKET, {"Expiration": {"Days": days}})
    clock.set(due - SECOND)
    assert versions(client, BUCKET) == ["data"]
    clock.set(due)
    assert versions(client, BUCKET) == ["marker", "data"]


def test_the_example_of_the_guide() -> None:
    # Created 2014-01-15 10:30 with 3 days: 2014-01-19 00:00.
    s3 = StrictS3(SimulatedClock(datetime(2014, 1, 15, 10, 30, tzinfo=UTC)))
    client = s3.client()
    client.create_bucket(Bucket=BUCKET)
    _put(client)
    put_rules(client, BUCKET, {"Expiration": {"Days": 3}})
    s3.advance(days=10)
    assert [event.at for event in s3.lifecycle_log] == [_at(2014, 1, 19)]


def test_what_is_made_at_midnight_is_not_rounded(client: S3Client, s3: StrictS3, clock: SimulatedClock) -> None:
    clock.set(_at(2026, 1, 2))
    _put(client)
    put_rules(client, BUCKET, {"Expiration": {"Days": 1}})
    s3.advance(days=5)
    assert s3.lifecycle_log[0].at == _at(2026, 1, 3)


def test_without_versioning_expiration_deletes_for_good(client: S3Client, s3: StrictS3) -> None:
    client.create_bucket(Bucket="plain")
    _put(client, bucket="plain")
    put_rules(client, "plain", {"Expiration": {"Days": 1}})
    s3.advance(days=3)
    assert versions(client, "plain") == []
    assert [event.action for event in s3.lifecycle_log] == ["delete"]


def test_a_date_holds_for_all_objects_from_then_on(client: S3Client, clock: SimulatedClock) -> None:
    _put(client, "early")
    put_rules(client, BUCKET, {"Expiration": {"Date": _at(2026, 3, 1)}})
    clock.set(_at(2026, 3, 1) - SECOND)
    assert versions(client, BUCKET) == ["data"]
    clock.set(_at(2026, 3, 1))
    assert versions(client, BUCKET, "early") == ["marker", "data"]
    _put(client, "late")
    clock.set(_at(2026, 3, 2))
    assert versions(client, BUCKET, "late") == ["marker", "data"]


def test_noncurrent_days_count_from_the_successor(client: S3Client, clock: SimulatedClock) -> None:
    put_rules(client, BUCKET, {"NoncurrentVersionExpiration": {"NoncurrentDays": 10}})
    _put(client)
    clock.set(datetime(2026, 6, 1, 10, tzinfo=UTC))
    _put(client)
    clock.set(_at(2026, 6, 12) - SECOND)
    assert versions(client, BUCKET) == ["data", "data"]
    clock.set(_at(2026, 6, 12))
    assert versions(client, BUCKET) == ["data"]
    clock.set(_at(2030, 1, 1))
    assert versions(client, BUCKET) == ["data"]


def test_so_many_newer_noncurrent_versions_are_kept(client: S3Client, s3: StrictS3) -> None:
    put_rules(client, BUCKET, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}})
    ids = []
    for _ in range(5):
        ids.append(_put(client))
        s3.advance(minutes=1)
    s3.advance(days=100)
    left = [item["VersionId"] for item in client.list_object_versions(Bucket=BUCKET)["Versions"]]
    assert left == [ids[4], ids[3], ids[2]]


def test_what_expires_is_first_hidden_then_deleted_and_its_marker_removed_last(client: S3Client, s3: StrictS3) -> None:
    put_rules(
        client,
        BUCKET,
        {"Expiration": {"Days": 10}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
    )
    _put(client)
    s3.advance(days=60)
    assert [(event.at, event.action, event.rule_id) for event in s3.lifecycle_log] == [
        (_at(2026, 1, 12), "mark", "r0"),
        (_at(2026, 1, 17), "delete", "r0"),
        (_at(2026, 1, 18), "delete", "r1"),
    ]
    assert versions(client, BUCKET) == []


def test_an_expired_delete_marker_stays_without_a_rule_for_it(client: S3Client, s3: StrictS3) -> None:
    put_rules(client, BUCKET, {"NoncurrentVersionExpiration": {"NoncurrentDays": 5}})
    _put(client)
    client.delete_object(Bucket=BUCKET, Key="k")
    s3.advance(days=100)
    assert versions(client, BUCKET) == ["marker"]


def test_a_delete_marker_over_a_version_is_not_an_expired_one(client: S3Client, s3: StrictS3) -> None:
    put_rules(client, BUCKET, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    _put(client)
    client.delete_object(Bucket=BUCKET, Key="k")
    s3.advance(days=100)
    assert versions(client, BUCKET) == ["marker", "data"]


def test_days_remove_an_expired_delete_marker_of_that_age(
    client: S3Client, s3: StrictS3, clock: SimulatedClock
) -> None:
    put_rules(client, BUCKET, {"Expiration": {"Days": 30}})
    version = _put(client)
    client.delete_object(Bucket=BUCKET, Key="k")
    client.delete_object(Bucket=BUCKET, Key="k", VersionId=version)
    clock.set(_at(2026, 2, 1) - SECOND)
    assert versions(client, BUCKET) == ["marker"]
    clock.set(_at(2026, 2, 1))
    assert versions(client, BUCKET) == []


def test_a_rule_by_size_means_no_marker(client: S3Client, s3: StrictS3) -> None:
    put_rules(client, BUCKET, {"Filter": {"ObjectSizeLessThan": 100}, "Expiration": {"Days": 1}})
    client.delete_object(Bucket=BUCKET, Key="k")
    s3.advance(days=100)
    assert versions(client, BUCKET) == ["marker"]


def test_a_locked_version_is_deleted_once_its_lock_is_over(client: S3Client, clock: SimulatedClock) -> None:
    _put(
        client,
        bucket=LOCKED,
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=datetime(2026, 6, 1, 12, tzinfo=UTC),
    )
    put_rules(client, LOCKED, {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    clock.set(_at(2026, 6, 2) - SECOND)
    assert versions(client, LOCKED) == ["marker", "data"]
    clock.set(_at(2026, 6, 2))
    assert versions(client, LOCKED) == ["marker"]


def test_a_retention_that_was_extended_holds_longer(client: S3Client, clock: SimulatedClock) -> None:
    version = _put(client, bucket=LOCKED, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=_at(2026, 6, 1))
    put_rules(client, LOCKED, {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    clock.set(_at(2026, 5, 1))
    longer: Any = {"Mode": "GOVERNANCE", "RetainUntilDate": _at(2026, 8, 1)}
    client.put_object_retention(Bucket=LOCKED, Key="k", VersionId=version, Retention=longer)
    clock.set(_at(2026, 8, 1) - SECOND)
    assert "data" in versions(client, LOCKED)
    clock.set(_at(2026, 8, 1))
    assert "data" not in versions(client, LOCKED)


def test_a_retention_that_was_shortened_holds_no_longer(client: S3Client, clock: SimulatedClock) -> None:
    version = _put(client, bucket=LOCKED, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=_at(2030, 1, 1))
    put_rules(client, LOCKED, {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    clock.set(_at(2026, 5, 1))
    shorter: Any = {"Mode": "GOVERNANCE", "RetainUntilDate": _at(2026, 6, 1)}
    client.put_object_retention(
        Bucket=LOCKED, Key="k", VersionId=version, Retention=shorter, BypassGovernanceRetention=True
    )
    clock.set(_at(2026, 6, 1) - SECOND)
    assert "data" in versions(client, LOCKED)
    clock.set(_at(2026, 6, 1))
    assert "data" not in versions(client, LOCKED)


def test_a_held_version_is_deleted_the_midnight_after_the_hold_ends(client: S3Client, clock: SimulatedClock) -> None:
    version = _put(client, bucket=LOCKED, ObjectLockLegalHoldStatus="ON")
    put_rules(client, LOCKED, {"Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    clock.set(datetime(2040, 1, 1, 12, tzinfo=UTC))
    assert versions(client, LOCKED) == ["marker", "data"]
    client.put_object_legal_hold(Bucket=LOCKED, Key="k", VersionId=version, LegalHold={"Status": "OFF"})
    assert versions(client, LOCKED) == ["marker", "data"]
    clock.set(_at(2040, 1, 2))
    assert versions(client, LOCKED) == ["marker"]


def test_rules_touch_only_what_their_filters_mean(client: S3Client, s3: StrictS3) -> None:
    tag = {"Key": "keep", "Value": "short"}
    put_rules(
        client,
        BUCKET,
        {"Filter": {"Prefix": "foreign/"}, "Expiration": {"Days": 1}},
        {"Filter": {"Tag": tag}, "Expiration": {"Days": 1}},
        {"Filter": {"And": {"Prefix": "both/", "Tags": [tag, {"Key": "a", "Value": "b"}]}}, "Expiration": {"Days": 1}},
        {"Status": "Disabled", "Expiration": {"Days": 1}},
    )
    _put(client, "foreign/x")
    _put(client, "signals/tagged", Tagging="keep=short")
    _put(client, "signals/otherwise", Tagging="keep=long")
    _put(client, "both/x", Tagging="a=b")
    _put(client, "signals/later")
    s3.advance(days=1000)
    assert {event.key for event in s3.lifecycle_log} == {"foreign/x", "signals/tagged"}
    client.put_object_tagging(Bucket=BUCKET, Key="signals/later", Tagging={"TagSet": [tag]})
    s3.advance(days=1)
    assert {event.key for event in s3.lifecycle_log} == {"foreign/x", "signals/tagged", "signals/later"}


def test_a_new_rule_catches_up_at_the_next_midnight_only(client: S3Client, s3: StrictS3, clock: SimulatedClock) -> None:
    _put(client)
    clock.set(datetime(2027, 5, 5, 12, tzinfo=UTC))
    put_rules(client, BUCKET, {"Expiration": {"Days": 10}})
    assert versions(client, BUCKET) == ["data"]
    s3.advance(days=30)
    assert [event.at for event in s3.lifecycle_log] == [_at(2027, 5, 6)]


def test_a_rule_that_was_taken_away_does_nothing(client: S3Client, s3: StrictS3) -> None:
    put_rules(client, BUCKET, {"Expiration": {"Days": 10}})
    _put(client)
    s3.advance(days=5)
    client.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.advance(days=100)
    assert versions(client, BUCKET) == ["data"]


@pytest.mark.parametrize("call", ["head_object", "get_object"])
def test_the_current_version_says_when_it_expires_earliest(client: S3Client, call: str) -> None:
    put_rules(
        client,
        BUCKET,
        {"ID": "seven years", "Expiration": {"Days": 2557}},
        {"Expiration": {"Days": 3000}},
        {"Filter": {"Prefix": "other"}, "Expiration": {"Days": 1}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
    )
    first = _put(client)
    _put(client)
    expected = 'expiry-date="Sun, 02 Jan 2033 00:00:00 GMT", rule-id="seven%20years"'
    assert getattr(client, call)(Bucket=BUCKET, Key="k")["Expiration"] == expected
    assert "Expiration" not in getattr(client, call)(Bucket=BUCKET, Key="k", VersionId=first)


def test_without_an_expiration_nothing_is_said_of_one(client: S3Client) -> None:
    put_rules(client, BUCKET, {"Transitions": [{"Days": 90, "StorageClass": "GLACIER"}]})
    _put(client)
    assert "Expiration" not in client.head_object(Bucket=BUCKET, Key="k")
