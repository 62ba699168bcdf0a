"""Conditional writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import OK, outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest


@pytest.fixture
def target(s3: ServerUnderTest, key: str) -> Any:
    return {"Bucket": s3.versioned, "Key": key}


def _bodies(s3: ServerUnderTest, target: Any) -> list[bytes]:
    found = s3.client.list_object_versions(Bucket=target["Bucket"], Prefix=target["Key"]).get("Versions", [])
    return [s3.client.get_object(**target, VersionId=item["VersionId"])["Body"].read() for item in found]


def test_if_none_match_lets_the_first_one_write(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=b"1", IfNoneMatch="*")
    assert _bodies(s3, target) == [b"1"]


def test_if_none_match_refuses_the_second_one(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=b"1")
    second = outcome(s3.client.put_object, **target, Body=b"2", IfNoneMatch="*")
    assert second == s3.does(differences.IF_NONE_MATCH_OVER_VERSION)
    assert _bodies(s3, target) == ([b"2", b"1"] if second == OK else [b"1"])


def test_if_none_match_refuses_the_second_one_without_versioning(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.unversioned, "Key": key}
    s3.client.put_object(**target, Body=b"1")
    assert outcome(s3.client.put_object, **target, Body=b"2", IfNoneMatch="*") == "412 PreconditionFailed"
    assert s3.client.get_object(**target)["Body"].read() == b"1"


def test_if_none_match_lets_one_write_over_a_delete_marker(s3: ServerUnderTest, target: Any) -> None:
    s3.client.put_object(**target, Body=b"1")
    s3.client.delete_object(**target)
    s3.client.put_object(**target, Body=b"2", IfNoneMatch="*")
    assert _bodies(s3, target) == [b"2", b"1"]


def test_if_match_replaces_what_was_seen(s3: ServerUnderTest, target: Any) -> None:
    etag = s3.client.put_object(**target, Body=b"1")["ETag"]
    assert outcome(s3.client.put_object, **target, Body=b"2", IfMatch=etag) == s3.does(differences.IF_MATCH_OF_CURRENT)


def test_if_match_refuses_to_replace_something_else(s3: ServerUnderTest, target: Any) -> None:
    etag = s3.client.put_object(**target, Body=b"1")["ETag"]
    s3.client.put_object(**target, Body=b"2")
    assert outcome(s3.client.put_object, **target, Body=b"3", IfMatch=etag) == "412 PreconditionFailed"
    assert _bodies(s3, target) == [b"2", b"1"]


def test_if_match_finds_nothing_to_replace(s3: ServerUnderTest, target: Any) -> None:
    assert outcome(s3.client.put_object, **target, Body=b"1", IfMatch='"0"') == s3.does(
        differences.IF_MATCH_WITHOUT_OBJECT
    )


def test_if_match_finds_nothing_to_replace_behind_a_delete_marker(s3: ServerUnderTest, target: Any) -> None:
    etag = s3.client.put_object(**target, Body=b"1")["ETag"]
    s3.client.delete_object(**target)
    assert outcome(s3.client.put_object, **target, Body=b"2", IfMatch=etag) == s3.does(
        differences.IF_MATCH_WITHOUT_OBJECT
    )
