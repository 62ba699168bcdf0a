"""Object Lock of the strict S3: what it takes to lock, what a lock forbids, and who may loosen it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from signal_backups_tests.servers.strict_s3.conftest import BUCKET, LOCKED, START
from signal_backups_tests.servers.strict_s3.helpers import refused, versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.strict_s3 import StrictS3

IN_A_YEAR = START + timedelta(days=365)
MD5 = "xMpCOKC5I4INzFCab3WEmw=="


def _put(client: S3Client, mode: Any, until: Any = IN_A_YEAR) -> Any:
    sent = client.put_object(
        Bucket=LOCKED, Key="k", Body=b"1", ObjectLockMode=mode, ObjectLockRetainUntilDate=until, ContentMD5=MD5
    )
    return {"Bucket": LOCKED, "Key": "k", "VersionId": sent["VersionId"]}


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_locked_version_cannot_be_deleted_before_its_time(client: S3Client, s3: StrictS3, mode: str) -> None:
    version = _put(client, mode)
    with refused("AccessDenied", 403):
        client.delete_object(**version)
    s3.advance(days=365)
    client.delete_object(**version)
    assert versions(client, LOCKED) == []


def test_a_head_shows_the_lock(client: S3Client) -> None:
    head = client.head_object(**_put(client, "COMPLIANCE"))
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", IN_A_YEAR)


def test_a_plain_delete_hides_a_locked_version(client: S3Client) -> None:
    version = _put(client, "COMPLIANCE")
    marker = client.delete_object(Bucket=LOCKED, Key="k")["VersionId"]
    assert versions(client, LOCKED) == ["marker", "data"]
    client.delete_object(Bucket=LOCKED, Key="k", VersionId=marker)
    assert client.get_object(**version)["Body"].read() == b"1"


@pytest.mark.parametrize(
    "weaker",
    [
        {"Mode": "COMPLIANCE", "RetainUntilDate": IN_A_YEAR - timedelta(seconds=1)},
        {"Mode": "GOVERNANCE", "RetainUntilDate": IN_A_YEAR + timedelta(days=1)},
        {},
    ],
    ids=["shorter", "other mode", "none"],
)
def test_nobody_loosens_compliance(client: S3Client, weaker: Any) -> None:
    version = _put(client, "COMPLIANCE")
    with refused("AccessDenied", 403):
        client.put_object_retention(**version, Retention=weaker, BypassGovernanceRetention=True)
    with refused("AccessDenied", 403):
        client.delete_object(**version, BypassGovernanceRetention=True)
    found = client.get_object_retention(**version)["Retention"]
    assert found == {"Mode": "COMPLIANCE", "RetainUntilDate": IN_A_YEAR}


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_any_retention_can_become_longer(client: S3Client, mode: Any) -> None:
    version = _put(client, mode)
    longer: Any = {"Mode": mode, "RetainUntilDate": IN_A_YEAR + timedelta(days=1)}
    client.put_object_retention(**version, Retention=longer)
    assert client.get_object_retention(**version)["Retention"] == longer


@pytest.mark.parametrize("weaker", [{"Mode": "GOVERNANCE", "RetainUntilDate": START + timedelta(days=1)}, {}])
def test_governance_is_loosened_only_by_those_who_say_so(client: S3Client, weaker: Any) -> None:
    version = _put(client, "GOVERNANCE")
    with refused("AccessDenied", 403):
        client.put_object_retention(**version, Retention=weaker)
    client.put_object_retention(**version, Retention=weaker, BypassGovernanceRetention=True)


def test_governance_is_deleted_only_by_those_who_say_so(client: S3Client) -> None:
    version = _put(client, "GOVERNANCE")
    client.delete_object(**version, BypassGovernanceRetention=True)
    assert versions(client, LOCKED) == []


def test_a_retention_that_is_over_binds_nobody(client: S3Client, s3: StrictS3) -> None:
    version = _put(client, "COMPLIANCE")
    s3.advance(days=366)
    fresh: Any = {"Mode": "GOVERNANCE", "RetainUntilDate": START + timedelta(days=400)}
    client.put_object_retention(**version, Retention=fresh)
    assert client.get_object_retention(**version)["Retention"] == fresh


@pytest.mark.parametrize("until", [START, START - timedelta(days=1)])
def test_a_retention_ends_in_the_future(client: S3Client, until: Any) -> None:
    with refused("InvalidArgument", 400):
        _put(client, "COMPLIANCE", until)
    client.put_object(Bucket=LOCKED, Key="k", Body=b"1")
    with refused("InvalidArgument", 400):
        client.put_object_retention(Bucket=LOCKED, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until})


def test_locking_an_upload_takes_a_digest(s3: StrictS3, client: S3Client) -> None:
    # A client that adds none by itself.
    plain = boto3.session.Session().client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="strict",
        aws_secret_access_key="strict",
        config=Config(request_checksum_calculation="when_required"),
    )
    s3.attach(plain)
    retention: Any = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": IN_A_YEAR}
    for lock in (retention, {"ObjectLockLegalHoldStatus": "ON"}):
        with refused("InvalidRequest", 400):
            plain.put_object(Bucket=LOCKED, Key="k", Body=b"1", **lock)
    assert versions(client, LOCKED) == []
    plain.put_object(Bucket=LOCKED, Key="k", Body=b"1", ContentMD5=MD5, **retention)


def test_a_bucket_without_object_lock_locks_nothing(client: S3Client) -> None:
    with refused("InvalidRequest", 400):
        client.put_object(
            Bucket=BUCKET, Key="k", Body=b"1", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=IN_A_YEAR
        )
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    with refused("InvalidRequest", 400):
        client.put_object_retention(
            Bucket=BUCKET, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": IN_A_YEAR}
        )
    with refused("InvalidRequest", 400):
        client.put_object_legal_hold(Bucket=BUCKET, Key="k", LegalHold={"Status": "ON"})
    with refused("ObjectLockConfigurationNotFoundError", 404):
        client.get_object_lock_configuration(Bucket=BUCKET)


def test_a_legal_hold_stands_until_it_is_taken_off_whoever_asks(client: S3Client, s3: StrictS3) -> None:
    version = _put(client, "GOVERNANCE")
    with refused("NoSuchObjectLockConfiguration", 404):
        client.get_object_legal_hold(**version)
    client.put_object_legal_hold(**version, LegalHold={"Status": "ON"})
    s3.advance(days=5000)
    assert client.head_object(**version)["ObjectLockLegalHoldStatus"] == "ON"
    with refused("AccessDenied", 403):
        client.delete_object(**version, BypassGovernanceRetention=True)
    client.put_object_legal_hold(**version, LegalHold={"Status": "OFF"})
    assert client.get_object_legal_hold(**version)["LegalHold"] == {"Status": "OFF"}
    client.delete_object(**version)


@pytest.mark.parametrize(
    ("default", "until"),
    [({"Days": 30}, START + timedelta(days=30)), ({"Years": 7}, START + timedelta(days=7 * 365))],
)
def test_the_default_retention_locks_what_comes_after_it(client: S3Client, default: Any, until: Any) -> None:
    client.put_object(Bucket=LOCKED, Key="before", Body=b"1")
    configuration: Any = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", **default}},
    }
    client.put_object_lock_configuration(Bucket=LOCKED, ObjectLockConfiguration=configuration)
    assert client.get_object_lock_configuration(Bucket=LOCKED)["ObjectLockConfiguration"] == configuration
    client.put_object(Bucket=LOCKED, Key="after", Body=b"1")
    with refused("NoSuchObjectLockConfiguration", 404):
        client.get_object_retention(Bucket=LOCKED, Key="before")
    assert client.get_object_retention(Bucket=LOCKED, Key="after")["Retention"]["RetainUntilDate"] == until
    own = client.head_object(**_put(client, "COMPLIANCE"))
    assert (own["ObjectLockMode"], own["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", IN_A_YEAR)


@pytest.mark.parametrize(
    ("default", "code"),
    [
        ({"Mode": "GOVERNANCE"}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}, "MalformedXML"),
        ({"Days": 1}, "MalformedXML"),
        ({"Mode": "GOVERNANCE", "Days": 0}, "InvalidArgument"),
        ({"Mode": "GOVERNANCE", "Years": 101}, "InvalidArgument"),
    ],
)
def test_a_default_retention_that_makes_no_sense_is_refused(client: S3Client, default: Any, code: str) -> None:
    with refused(code, 400):
        client.put_object_lock_configuration(
            Bucket=LOCKED,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": default}},
        )


def test_a_bucket_that_has_objects_can_get_a_lock_if_it_is_versioned(client: S3Client) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    client.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})
    client.put_object_retention(Bucket=BUCKET, Key="k", Retention={"Mode": "COMPLIANCE", "RetainUntilDate": IN_A_YEAR})
    client.create_bucket(Bucket="plain")
    with refused("InvalidBucketState", 409):
        client.put_object_lock_configuration(Bucket="plain", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


def test_neither_the_lock_nor_the_versioning_of_a_bucket_can_be_taken_back(client: S3Client) -> None:
    off: Any = {"ObjectLockEnabled": "Disabled"}
    for configuration in (off, {}):
        with refused("MalformedXML", 400):
            client.put_object_lock_configuration(Bucket=LOCKED, ObjectLockConfiguration=configuration)
    with refused("InvalidBucketState", 409):
        client.put_bucket_versioning(Bucket=LOCKED, VersioningConfiguration={"Status": "Suspended"})
