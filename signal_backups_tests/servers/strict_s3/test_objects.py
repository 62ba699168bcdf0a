"""Objects of the strict S3: digests, conditions, versions, listings, and that nothing unknown passes."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3.conftest import BUCKET, LOCKED, START
from signal_backups_tests.servers.strict_s3.helpers import refused, versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.strict_s3 import StrictS3

BODY = b"signal,value\n"


def _base64(algorithm: str, body: bytes) -> str:
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"ChecksumSHA256": _base64("sha256", b"other")},
        {"ChecksumSHA1": _base64("sha1", b"other")},
        {"ChecksumCRC32": "AAAAAA=="},
        {"ContentMD5": _base64("md5", b"other")},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_other_bytes_than_the_digest_says_are_refused_and_not_stored(client: S3Client, wrong: Any) -> None:
    with refused("BadDigest", 400):
        client.put_object(Bucket=BUCKET, Key="k", Body=BODY, **wrong)
    assert versions(client, BUCKET) == []


@pytest.mark.parametrize(
    ("malformed", "code"),
    [({"ChecksumSHA256": "AAAA"}, "InvalidRequest"), ({"ContentMD5": "no base64"}, "InvalidDigest")],
)
def test_a_digest_that_is_none_is_refused(client: S3Client, malformed: Any, code: str) -> None:
    with refused(code, 400):
        client.put_object(Bucket=BUCKET, Key="k", Body=BODY, **malformed)


def test_a_head_shows_the_stored_checksum_when_asked(client: S3Client) -> None:
    sha256 = _base64("sha256", BODY)
    client.put_object(Bucket=BUCKET, Key="k", Body=BODY, ChecksumSHA256=sha256)
    assert client.head_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == sha256
    assert "ChecksumSHA256" not in client.head_object(Bucket=BUCKET, Key="k")


def test_what_is_stored_comes_back_with_its_metadata_and_the_time_of_the_clock(client: S3Client) -> None:
    client.put_object(Bucket=BUCKET, Key="a b/ä+%.csv", Body=BODY, Metadata={"day": "1"}, ContentType="text/csv")
    found = client.get_object(Bucket=BUCKET, Key="a b/ä+%.csv")
    assert found["Body"].read() == BODY
    assert (found["Metadata"], found["ContentType"], found["ContentLength"]) == ({"day": "1"}, "text/csv", len(BODY))
    assert found["LastModified"] == START
    assert found["ETag"] == f'"{hashlib.md5(BODY, usedforsecurity=False).hexdigest()}"'


def test_a_streamed_body_with_its_checksum_at_the_end_is_understood(client: S3Client) -> None:
    body = bytes(range(256)) * 10_000
    client.put_object(Bucket=BUCKET, Key="k", Body=io.BytesIO(body), ChecksumAlgorithm="SHA256")
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == body
    head = client.head_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == _base64("sha256", body)


def test_if_none_match_lets_only_the_first_one_write(client: S3Client) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfNoneMatch="*")
    client.delete_object(Bucket=BUCKET, Key="k")
    client.put_object(Bucket=BUCKET, Key="k", Body=b"3", IfNoneMatch="*")
    assert versions(client, BUCKET).count("data") == 2


def test_if_match_replaces_only_what_was_seen(client: S3Client) -> None:
    with refused("NoSuchKey", 404):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"1", IfMatch='"0"')
    etag = client.put_object(Bucket=BUCKET, Key="k", Body=b"1")["ETag"]
    client.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfMatch=etag)
    with refused("PreconditionFailed", 412):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"3", IfMatch=etag)


def test_old_versions_stay_and_a_delete_marker_hides_them(client: S3Client) -> None:
    first = client.put_object(Bucket=BUCKET, Key="k", Body=b"1")["VersionId"]
    client.put_object(Bucket=BUCKET, Key="k", Body=b"2")
    marker = client.delete_object(Bucket=BUCKET, Key="k")
    assert marker["DeleteMarker"]
    with refused("NoSuchKey", 404):
        client.get_object(Bucket=BUCKET, Key="k")
    with refused("405", 405):
        client.head_object(Bucket=BUCKET, Key="k", VersionId=marker["VersionId"])
    assert client.get_object(Bucket=BUCKET, Key="k", VersionId=first)["Body"].read() == b"1"
    client.delete_object(Bucket=BUCKET, Key="k", VersionId=marker["VersionId"])
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"2"


def test_an_unversioned_bucket_keeps_one_version_and_deletes_for_good(client: S3Client) -> None:
    client.create_bucket(Bucket="plain")
    client.put_object(Bucket="plain", Key="k", Body=b"1")
    assert "VersionId" not in client.put_object(Bucket="plain", Key="k", Body=b"2")
    assert versions(client, "plain") == ["data"]
    client.delete_object(Bucket="plain", Key="k")
    assert versions(client, "plain") == []
    assert client.list_objects_v2(Bucket="plain")["KeyCount"] == 0


def test_what_is_written_while_versioning_is_suspended_replaces_only_the_null_version(client: S3Client) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"2", b"3"):
        assert client.put_object(Bucket=BUCKET, Key="k", Body=body)["VersionId"] == "null"
    listed = client.list_object_versions(Bucket=BUCKET)["Versions"]
    assert [(version["VersionId"] == "null", version["IsLatest"]) for version in listed] == [
        (True, True),
        (False, False),
    ]


@pytest.mark.parametrize("call", ["head_object", "get_object"])
def test_what_is_not_there_is_missed(client: S3Client, call: str) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    head = call == "head_object"
    with refused("404" if head else "NoSuchKey", 404):
        getattr(client, call)(Bucket=BUCKET, Key="other")
    with refused("404" if head else "NoSuchVersion", 404):
        getattr(client, call)(Bucket=BUCKET, Key="k", VersionId="0" * 32)
    with refused("404" if head else "NoSuchBucket", 404):
        getattr(client, call)(Bucket="no-such", Key="k")


def test_listings_come_in_pages_of_a_thousand(client: S3Client, s3: StrictS3) -> None:
    keys = [f"signals/{number:04}" for number in range(2600)]
    for key in keys:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")
    client.put_object(Bucket=BUCKET, Key="zzz", Body=b"")
    client.delete_object(Bucket=BUCKET, Key=keys[999])
    s3.requests.clear()
    current = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="signals/")
    assert [item["Key"] for page in current for item in page["Contents"]] == keys[:999] + keys[1000:]
    pages = list(client.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix="signals/"))
    assert [item["Key"] for page in pages for item in page["Versions"]] == keys
    assert sum(len(page.get("DeleteMarkers", [])) for page in pages) == 1
    assert s3.requests == {"ListObjectsV2": 3, "ListObjectVersions": 3}


def test_a_page_may_end_between_two_versions_of_a_key(client: S3Client) -> None:
    ids = [client.put_object(Bucket=BUCKET, Key="k", Body=b"1")["VersionId"] for _ in range(5)]
    pages = client.get_paginator("list_object_versions").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2})
    assert [[item["VersionId"] for item in page["Versions"]] for page in pages] == [
        [ids[4], ids[3]],
        [ids[2], ids[1]],
        [ids[0]],
    ]


@pytest.mark.parametrize("listing", ["list_objects_v2", "list_object_versions"])
def test_a_delimiter_makes_folders_of_keys(client: S3Client, listing: Any) -> None:
    for key in ("a", "b/1", "b/2", "c/1", "d"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")
    pages = list(client.get_paginator(listing).paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 2}))
    entries = [item["Key"] for page in pages for kind in ("Contents", "Versions") for item in page.get(kind, [])]
    assert entries == ["a", "d"]
    assert [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])] == ["b/", "c/"]


def test_tags_can_be_sent_along_and_replaced(client: S3Client) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"", Tagging="kind=day&of=signals")
    assert client.get_object_tagging(Bucket=BUCKET, Key="k")["TagSet"] == [
        {"Key": "kind", "Value": "day"},
        {"Key": "of", "Value": "signals"},
    ]
    client.put_object_tagging(Bucket=BUCKET, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert client.get_object_tagging(Bucket=BUCKET, Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_public_access_is_blocked_as_asked(client: S3Client) -> None:
    with refused("NoSuchPublicAccessBlockConfiguration", 404):
        client.get_public_access_block(Bucket=BUCKET)
    client.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert client.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }


def test_buckets_are_created_once_and_deleted_empty(client: S3Client) -> None:
    with refused("BucketAlreadyOwnedByYou", 409):
        client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="k", Body=b"")
    with refused("BucketNotEmpty", 409):
        client.delete_bucket(Bucket=BUCKET)
    client.delete_bucket(Bucket=LOCKED)
    with refused("404", 404):
        client.head_bucket(Bucket=LOCKED)


def test_versioning_says_what_it_was_set_to(client: S3Client) -> None:
    client.create_bucket(Bucket="plain")
    assert "Status" not in client.get_bucket_versioning(Bucket="plain")
    assert client.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_what_the_fake_does_not_know_is_refused_aloud(client: S3Client) -> None:
    with refused("NotImplemented", 501):
        client.list_buckets()
    with refused("NotImplemented", 501):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"", ACL="private")
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    with refused("NotImplemented", 501):
        client.get_object(Bucket=BUCKET, Key="k", IfModifiedSince=datetime(2026, 1, 1, tzinfo=UTC))
