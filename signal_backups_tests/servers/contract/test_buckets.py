"""Buckets and their settings, but for Object Lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import OK, new_bucket, outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

RULES: Any = {
    "Rules": [
        {
            "ID": "unfinished uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": "signals/"},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}


def test_a_bucket_is_created_once(s3: ServerUnderTest) -> None:
    created = outcome(s3.client.create_bucket, Bucket=s3.versioned)
    assert created == s3.does(differences.CREATE_BUCKET_TWICE)


def test_an_empty_bucket_can_be_deleted(s3: ServerUnderTest) -> None:
    bucket = new_bucket(s3.client)
    s3.client.delete_bucket(Bucket=bucket)
    assert outcome(s3.client.head_bucket, Bucket=bucket) == "404"
    assert outcome(s3.client.delete_bucket, Bucket=bucket) == "404 NoSuchBucket"


def test_a_bucket_with_an_object_cannot_be_deleted(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.unversioned, Key=key, Body=b"")
    assert outcome(s3.client.delete_bucket, Bucket=s3.unversioned) == "409 BucketNotEmpty"


@pytest.mark.parametrize("call", ["put_object", "delete_object"], ids=["version", "delete marker"])
def test_a_bucket_with_a_version_or_delete_marker_cannot_be_deleted(s3: ServerUnderTest, call: str) -> None:
    bucket = new_bucket(s3.client, versioned=True)
    getattr(s3.client, call)(Bucket=bucket, Key="k")
    assert outcome(s3.client.delete_bucket, Bucket=bucket) == s3.does(differences.DELETE_BUCKET_WITH_VERSIONS)


def test_versioning_says_what_it_was_set_to(s3: ServerUnderTest) -> None:
    assert "Status" not in s3.client.get_bucket_versioning(Bucket=s3.unversioned)
    assert s3.client.get_bucket_versioning(Bucket=s3.versioned)["Status"] == "Enabled"


def test_a_bucket_without_a_lifecycle_says_so(s3: ServerUnderTest) -> None:
    found = outcome(s3.client.get_bucket_lifecycle_configuration, Bucket=s3.versioned)
    assert found == "404 NoSuchLifecycleConfiguration"


def test_a_lifecycle_comes_back_as_it_was_put_and_can_be_deleted(s3: ServerUnderTest) -> None:
    bucket = new_bucket(s3.client, versioned=True)
    s3.client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=RULES)
    assert s3.client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == RULES["Rules"]
    s3.client.delete_bucket_lifecycle(Bucket=bucket)
    found = outcome(s3.client.get_bucket_lifecycle_configuration, Bucket=bucket)
    assert found == "404 NoSuchLifecycleConfiguration"


def test_a_bucket_says_whether_the_public_is_kept_out(s3: ServerUnderTest) -> None:
    found = outcome(s3.client.get_public_access_block, Bucket=s3.versioned)
    assert found == s3.does(differences.PUBLIC_ACCESS_BLOCK_NOT_SET)


def test_public_access_is_blocked_as_asked(s3: ServerUnderTest) -> None:
    bucket, block = new_bucket(s3.client), {"BlockPublicAcls": True, "IgnorePublicAcls": False}
    put = outcome(s3.client.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration=block)
    assert put == s3.does(differences.PUT_PUBLIC_ACCESS_BLOCK)
    if put != OK:
        return
    assert s3.client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == {
        **block,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
