"""Object Lock of whole buckets: switching it on, default retention, and what it takes to lock an upload."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import OK, new_bucket, outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

MD5_OF_1 = "xMpCOKC5I4INzFCab3WEmw=="
ENABLED: Any = {"ObjectLockEnabled": "Enabled"}


def _put_default(s3: ServerUnderTest, default: Any) -> str:
    configuration: Any = {**ENABLED, "Rule": {"DefaultRetention": default}}
    return outcome(
        s3.client.put_object_lock_configuration,
        Bucket=new_bucket(s3.client, lockable=True),
        ObjectLockConfiguration=configuration,
    )


def test_an_upload_to_a_bucket_without_object_lock_cannot_be_locked(s3: ServerUnderTest, key: str) -> None:
    put = outcome(
        s3.client.put_object,
        Bucket=s3.versioned,
        Key=key,
        Body=b"1",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=s3.now() + timedelta(days=1),
    )
    assert put == "400 InvalidRequest"


def test_an_object_in_a_bucket_without_object_lock_cannot_be_locked(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.versioned, "Key": key}
    s3.client.put_object(**target, Body=b"1")
    retention: Any = {"Mode": "GOVERNANCE", "RetainUntilDate": s3.now() + timedelta(days=1)}
    locked = outcome(s3.client.put_object_retention, **target, Retention=retention)
    held = outcome(s3.client.put_object_legal_hold, **target, LegalHold={"Status": "ON"})
    assert {locked, held} == {s3.does(differences.LOCK_OBJECT_WITHOUT_OBJECT_LOCK)}


def test_a_bucket_without_object_lock_says_so(s3: ServerUnderTest) -> None:
    found = outcome(s3.client.get_object_lock_configuration, Bucket=s3.versioned)
    assert found == "404 ObjectLockConfigurationNotFoundError"


def test_a_bucket_with_object_lock_is_versioned_and_says_so(s3: ServerUnderTest) -> None:
    found = s3.client.get_object_lock_configuration(Bucket=s3.lockable)["ObjectLockConfiguration"]
    assert found == ENABLED
    assert s3.client.get_bucket_versioning(Bucket=s3.lockable)["Status"] == "Enabled"


@pytest.mark.parametrize("lock", ["retention", "legal hold"])
def test_locking_an_upload_takes_a_digest(s3: ServerUnderTest, key: str, lock: str) -> None:
    parameters: Any = {"ObjectLockLegalHoldStatus": "ON"}
    if lock == "retention":
        parameters = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": s3.now() + timedelta(days=1)}
    target: Any = {"Bucket": s3.lockable, "Key": key, "Body": b"1", **parameters}
    put = outcome(s3.client_without_digests.put_object, **target)
    assert put == s3.does(differences.LOCK_UPLOAD_WITHOUT_DIGEST)
    assert outcome(s3.client_without_digests.put_object, **target, ContentMD5=MD5_OF_1) == OK


@pytest.mark.parametrize(("default", "days"), [({"Days": 30}, 30), ({"Years": 7}, 7 * 365)])
def test_the_default_retention_locks_what_comes_after_it(s3: ServerUnderTest, default: Any, days: int) -> None:
    bucket = new_bucket(s3.client, lockable=True)
    s3.client.put_object(Bucket=bucket, Key="before", Body=b"1")
    configuration: Any = {**ENABLED, "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", **default}}}
    s3.client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    assert s3.client.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == configuration
    earliest = s3.now() + timedelta(days=days, seconds=-1)
    s3.client.put_object(Bucket=bucket, Key="after", Body=b"1")
    before = outcome(s3.client.get_object_retention, Bucket=bucket, Key="before")
    assert before == s3.does(differences.VERSION_WITHOUT_RETENTION)
    found = s3.client.get_object_retention(Bucket=bucket, Key="after")["Retention"]
    assert found["Mode"] == "GOVERNANCE"
    # A year of a default retention may be one of the calendar.
    assert earliest <= found["RetainUntilDate"] <= s3.now() + timedelta(days=days + 2, seconds=1)


def test_a_retention_sent_along_overrides_the_default(s3: ServerUnderTest) -> None:
    bucket, until = new_bucket(s3.client, lockable=True), s3.now().replace(microsecond=0) + timedelta(days=1)
    configuration: Any = {**ENABLED, "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
    s3.client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    lock: Any = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"1", **lock)
    found = s3.client.get_object_retention(Bucket=bucket, Key="k")["Retention"]
    assert found == {"Mode": "COMPLIANCE", "RetainUntilDate": until}


@pytest.mark.parametrize(
    "default", [{"Mode": "GOVERNANCE"}, {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, {"Days": 1}]
)
def test_a_default_retention_is_a_mode_and_days_or_years(s3: ServerUnderTest, default: Any) -> None:
    assert _put_default(s3, default) == "400 MalformedXML"


def test_a_default_retention_of_no_days_is_refused(s3: ServerUnderTest) -> None:
    assert _put_default(s3, {"Mode": "GOVERNANCE", "Days": 0}) == s3.does(differences.DEFAULT_OF_NO_DAYS)


def test_a_default_retention_of_more_than_100_years_is_refused(s3: ServerUnderTest) -> None:
    assert _put_default(s3, {"Mode": "GOVERNANCE", "Years": 101}) == s3.does(differences.DEFAULT_OF_101_YEARS)


def test_a_versioned_bucket_that_has_objects_can_get_object_lock(s3: ServerUnderTest) -> None:
    bucket = new_bucket(s3.client, versioned=True)
    s3.client.put_object(Bucket=bucket, Key="k", Body=b"1")
    put = outcome(s3.client.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=ENABLED)
    assert put == s3.does(differences.OBJECT_LOCK_FOR_OLD_BUCKET)


def test_an_unversioned_bucket_cannot_get_object_lock(s3: ServerUnderTest) -> None:
    put = outcome(s3.client.put_object_lock_configuration, Bucket=s3.unversioned, ObjectLockConfiguration=ENABLED)
    assert put == "409 InvalidBucketState"


@pytest.mark.parametrize("configuration", [{"ObjectLockEnabled": "Disabled"}, {}], ids=["disabled", "empty"])
def test_object_lock_cannot_be_switched_off(s3: ServerUnderTest, configuration: Any) -> None:
    put = outcome(s3.client.put_object_lock_configuration, Bucket=s3.lockable, ObjectLockConfiguration=configuration)
    assert put == "400 MalformedXML"


def test_versioning_cannot_be_suspended_under_object_lock(s3: ServerUnderTest) -> None:
    suspended = outcome(
        s3.client.put_bucket_versioning, Bucket=s3.lockable, VersioningConfiguration={"Status": "Suspended"}
    )
    assert suspended == "409 InvalidBucketState"
