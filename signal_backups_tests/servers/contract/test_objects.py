"""Objects: what is stored comes back, and what is not there is missed."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

BODY = b"signal,value\n"


@pytest.mark.parametrize("name", ["a b/ä+%&.csv", "day=2026-01-01/signals.csv", "it's {1} ~ [2]?#.csv"])
def test_an_object_comes_back_under_any_name(s3: ServerUnderTest, key: str, name: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=f"{key}{name}", Body=BODY)
    assert s3.client.get_object(Bucket=s3.versioned, Key=f"{key}{name}")["Body"].read() == BODY
    listed = s3.client.list_objects_v2(Bucket=s3.versioned, Prefix=key)["Contents"]
    assert [item["Key"] for item in listed] == [f"{key}{name}"]


def test_a_double_slash_stays_in_a_key(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=f"{key}//x", Body=BODY)
    listed = s3.client.list_objects_v2(Bucket=s3.versioned, Prefix=key)["Contents"]
    assert [item["Key"].removeprefix(key) for item in listed] == [s3.does(differences.DOUBLE_SLASH)]


@pytest.mark.parametrize("call", ["head_object", "get_object"])
def test_an_answer_carries_what_was_stored_with_the_object(s3: ServerUnderTest, key: str, call: str) -> None:
    before = s3.now().replace(microsecond=0)
    s3.client.put_object(
        Bucket=s3.versioned, Key=key, Body=BODY, Metadata={"day": "2026-01-01"}, ContentType="text/csv"
    )
    found = getattr(s3.client, call)(Bucket=s3.versioned, Key=key)
    assert (found["Metadata"], found["ContentType"]) == ({"day": "2026-01-01"}, "text/csv")
    assert found["ContentLength"] == len(BODY)
    assert found["ETag"] == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'
    assert before <= found["LastModified"] <= s3.now() + timedelta(seconds=1)
    assert found["LastModified"].microsecond == 0


def test_an_empty_object_is_an_object(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=b"")
    assert s3.client.head_object(Bucket=s3.versioned, Key=key)["ContentLength"] == 0


@pytest.mark.parametrize(
    ("what", "head", "get"),
    [
        ({"Key": "missing"}, "404", "404 NoSuchKey"),
        ({"Bucket": "no-such-bucket-of-the-contract"}, "404", "404 NoSuchBucket"),
    ],
    ids=["key", "bucket"],
)
def test_what_is_not_there_is_missed(s3: ServerUnderTest, key: str, what: Any, head: str, get: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=b"1")
    target = {"Bucket": s3.versioned, "Key": key, **what}
    assert outcome(s3.client.head_object, **target) == head
    assert outcome(s3.client.get_object, **target) == get


def test_a_version_that_is_not_there_is_missed(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=b"1")
    target = {"Bucket": s3.versioned, "Key": key, "VersionId": "0" * 32}
    assert outcome(s3.client.head_object, **target) == "404"
    assert outcome(s3.client.get_object, **target) == s3.does(differences.UNKNOWN_VERSION)


def test_a_storage_class_is_shown_by_a_head(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=BODY, StorageClass="STANDARD_IA")
    assert s3.client.head_object(Bucket=s3.versioned, Key=key)["StorageClass"] == "STANDARD_IA"


def test_an_unknown_storage_class_is_refused(s3: ServerUnderTest, key: str) -> None:
    wrong: Any = "FREEZER"
    put = outcome(s3.client.put_object, Bucket=s3.versioned, Key=key, Body=BODY, StorageClass=wrong)
    assert put == s3.does(differences.UNKNOWN_STORAGE_CLASS)


def test_the_standard_class_is_not_named_by_a_head_and_named_by_a_listing(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=BODY)
    assert "StorageClass" not in s3.client.head_object(Bucket=s3.versioned, Key=key)
    listed = s3.client.list_objects_v2(Bucket=s3.versioned, Prefix=key)["Contents"]
    assert [item["StorageClass"] for item in listed] == ["STANDARD"]


def test_an_archived_object_is_not_readable_before_it_is_restored(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=BODY, StorageClass="GLACIER")
    assert outcome(s3.client.get_object, Bucket=s3.versioned, Key=key) == s3.does(differences.GET_ARCHIVED)


def test_an_archived_object_is_restored_on_request(s3: ServerUnderTest, key: str) -> None:
    s3.client.put_object(Bucket=s3.versioned, Key=key, Body=BODY, StorageClass="GLACIER")
    asked = outcome(s3.client.restore_object, Bucket=s3.versioned, Key=key, RestoreRequest={"Days": 1})
    assert asked == s3.does(differences.RESTORE_ARCHIVED)


def test_tags_can_be_sent_along_and_replaced(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.versioned, "Key": key}
    s3.client.put_object(**target, Body=b"", Tagging="kind=day&of=signals")
    tags = s3.client.get_object_tagging(**target)["TagSet"]
    assert sorted(tags, key=lambda tag: tag["Key"]) == [
        {"Key": "kind", "Value": "day"},
        {"Key": "of", "Value": "signals"},
    ]
    s3.client.put_object_tagging(**target, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.client.get_object_tagging(**target)["TagSet"] == [{"Key": "a", "Value": "b"}]
