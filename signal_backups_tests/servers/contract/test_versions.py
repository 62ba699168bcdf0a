"""Versions and delete markers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import new_bucket, outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest


@pytest.fixture
def target(s3: ServerUnderTest, key: str) -> Any:
    return {"Bucket": s3.versioned, "Key": key}


def test_each_write_makes_a_version_that_can_be_read_by_its_id(s3: ServerUnderTest, target: Any) -> None:
    first, second = (s3.client.put_object(**target, Body=body)["VersionId"] for body in (b"1", b"2"))
    assert s3.client.get_object(**target, VersionId=first)["Body"].read() == b"1"
    assert s3.client.get_object(**target, VersionId=second)["Body"].read() == b"2"
    current = s3.client.get_object(**target)
    assert (current["Body"].read(), current["VersionId"]) == (b"2", second)


def test_a_delete_marker_hides_the_object_and_keeps_its_versions(s3: ServerUnderTest, target: Any) -> None:
    version = s3.client.put_object(**target, Body=b"1")["VersionId"]
    marker = s3.client.delete_object(**target)
    assert marker["DeleteMarker"]
    assert outcome(s3.client.get_object, **target) == "404 NoSuchKey"
    assert outcome(s3.client.head_object, **target) == "404"
    assert s3.client.list_objects_v2(Bucket=target["Bucket"], Prefix=target["Key"])["KeyCount"] == 0
    assert s3.client.get_object(**target, VersionId=version)["Body"].read() == b"1"


def test_without_its_delete_marker_the_object_is_there_again(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=b"1")
    marker = s3.client.delete_object(**target)["VersionId"]
    removed = s3.client.delete_object(**target, VersionId=marker)
    assert (removed["DeleteMarker"], removed["VersionId"]) == (True, marker)
    assert s3.client.get_object(**target)["Body"].read() == b"1"


def test_a_delete_marker_cannot_be_read(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=b"1")
    marker = s3.client.delete_object(**target)["VersionId"]
    assert outcome(s3.client.head_object, **target, VersionId=marker) == s3.does(differences.HEAD_DELETE_MARKER)
    assert outcome(s3.client.get_object, **target, VersionId=marker) == s3.does(differences.GET_DELETE_MARKER)


def test_deleting_what_is_not_there_makes_a_delete_marker(s3: ServerUnderTest, target: Any) -> None:
    assert s3.client.delete_object(**target)["DeleteMarker"]
    listed = s3.client.list_object_versions(Bucket=target["Bucket"], Prefix=target["Key"])
    assert [(item["Key"], item["IsLatest"]) for item in listed["DeleteMarkers"]] == [(target["Key"], True)]


def test_a_version_is_deleted_for_good(s3: ServerUnderTest, target: Any) -> None:
    first, second = (s3.client.put_object(**target, Body=body)["VersionId"] for body in (b"1", b"2"))
    assert s3.client.delete_object(**target, VersionId=second)["VersionId"] == second
    assert outcome(s3.client.get_object, **target, VersionId=second) == s3.does(differences.UNKNOWN_VERSION)
    assert s3.client.get_object(**target)["VersionId"] == first


def test_deleting_a_version_again_changes_nothing(s3: ServerUnderTest, target: Any) -> None:
    version = s3.client.put_object(**target, Body=b"1")["VersionId"]
    s3.client.delete_object(**target, VersionId=version)
    assert outcome(s3.client.delete_object, **target, VersionId=version) == "ok"


def test_an_unversioned_bucket_keeps_one_version_and_deletes_for_good(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.unversioned, "Key": key}
    s3.client.put_object(**target, Body=b"1")
    assert "VersionId" not in s3.client.put_object(**target, Body=b"2")
    listed = s3.client.list_object_versions(Bucket=s3.unversioned, Prefix=key)
    assert [item["VersionId"] for item in listed["Versions"]] == ["null"]
    s3.client.delete_object(**target)
    listed = s3.client.list_object_versions(Bucket=s3.unversioned, Prefix=key)
    assert ("Versions" in listed, "DeleteMarkers" in listed) == (False, False)


@pytest.fixture
def suspended(s3: ServerUnderTest) -> Any:
    """A key with a version, in a bucket whose versioning was suspended afterwards."""
    target: Any = {"Bucket": new_bucket(s3.client, versioned=True), "Key": "k"}
    s3.client.put_object(**target, Body=b"1")
    s3.client.put_bucket_versioning(Bucket=target["Bucket"], VersioningConfiguration={"Status": "Suspended"})
    return target


def test_a_write_while_versioning_is_suspended_replaces_only_the_null_version(
    s3: ServerUnderTest, suspended: Any
) -> None:
    for body in (b"2", b"3"):
        s3.client.put_object(**suspended, Body=body)
    listed = s3.client.list_object_versions(Bucket=suspended["Bucket"])["Versions"]
    assert sorted(item["VersionId"] == "null" for item in listed) == [False, True]
    assert s3.client.get_object(**suspended)["Body"].read() == b"3"


def test_a_write_while_versioning_is_suspended_answers_no_version(s3: ServerUnderTest, suspended: Any) -> None:
    assert "VersionId" not in s3.client.put_object(**suspended, Body=b"2")


def test_the_null_version_is_listed_as_the_latest(s3: ServerUnderTest, suspended: Any) -> None:
    s3.client.put_object(**suspended, Body=b"2")
    listed = s3.client.list_object_versions(Bucket=suspended["Bucket"])["Versions"]
    places = [
        f"{place}, {'latest' if item['IsLatest'] else 'noncurrent'}"
        for place, item in zip(("first", "last"), listed, strict=True)
        if item["VersionId"] == "null"
    ]
    assert places == [s3.does(differences.NULL_VERSION_LISTED)]
