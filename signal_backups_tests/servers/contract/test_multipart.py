"""Multipart uploads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

#: The smallest part that is not the last one.
PART = bytes(5 * 1024**2)
LAST = b"end"


@pytest.fixture
def upload(s3_with_multipart: ServerUnderTest, key: str) -> Any:
    """An upload that has begun."""
    target: Any = {"Bucket": s3_with_multipart.versioned, "Key": key}
    begun = s3_with_multipart.client.create_multipart_upload(**target, Metadata={"day": "1"}, ContentType="text/csv")
    return {**target, "UploadId": begun["UploadId"]}


def _send(s3: ServerUnderTest, upload: Any, *bodies: bytes) -> Any:
    parts = []
    for number, body in enumerate(bodies, 1):
        etag = s3.client.upload_part(**upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return {"Parts": parts}


def test_an_upload_begins(s3: ServerUnderTest, key: str) -> None:
    begun = outcome(s3.client.create_multipart_upload, Bucket=s3.versioned, Key=key)
    assert begun == s3.does(differences.CREATE_MULTIPART_UPLOAD)


def test_parts_become_one_version_with_the_metadata_of_the_upload(
    s3_with_multipart: ServerUnderTest, upload: Any
) -> None:
    s3, target = s3_with_multipart, {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    parts = _send(s3, upload, PART, LAST)
    assert outcome(s3.client.head_object, **target) == "404"
    made = s3.client.complete_multipart_upload(**upload, MultipartUpload=parts)
    found = s3.client.get_object(**target)
    assert found["Body"].read() == PART + LAST
    assert found["VersionId"] == made["VersionId"]
    assert (found["Metadata"], found["ContentType"]) == ({"day": "1"}, "text/csv")
    assert found["ETag"].endswith('-2"')


def test_if_none_match_refuses_to_complete_over_an_object(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    s3, target = s3_with_multipart, {"Bucket": upload["Bucket"], "Key": upload["Key"]}
    parts = _send(s3, upload, LAST)
    s3.client.put_object(**target, Body=b"1")
    complete = outcome(s3.client.complete_multipart_upload, **upload, MultipartUpload=parts, IfNoneMatch="*")
    assert complete == s3.does(differences.IF_NONE_MATCH_COMPLETES)


def test_an_aborted_upload_is_gone(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    s3 = s3_with_multipart
    parts = _send(s3, upload, LAST)
    s3.client.abort_multipart_upload(**upload)
    complete = outcome(s3.client.complete_multipart_upload, **upload, MultipartUpload=parts)
    assert complete == s3.does(differences.COMPLETE_ABORTED_UPLOAD)
    assert outcome(s3.client.upload_part, **upload, PartNumber=1, Body=LAST) == "404 NoSuchUpload"
    assert outcome(s3.client.head_object, Bucket=upload["Bucket"], Key=upload["Key"]) == "404"


def test_an_unfinished_upload_is_listed(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    listed = s3_with_multipart.client.list_multipart_uploads(Bucket=upload["Bucket"], Prefix=upload["Key"])
    assert [item["UploadId"] for item in listed["Uploads"]] == [upload["UploadId"]]


def test_a_part_that_was_not_sent_is_refused(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    wrong: Any = {"Parts": [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]}
    _send(s3_with_multipart, upload, LAST)
    complete = outcome(s3_with_multipart.client.complete_multipart_upload, **upload, MultipartUpload=wrong)
    assert complete == "400 InvalidPart"


def test_parts_come_in_order(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    parts = _send(s3_with_multipart, upload, PART, LAST)
    wrong: Any = {"Parts": parts["Parts"][::-1]}
    complete = outcome(s3_with_multipart.client.complete_multipart_upload, **upload, MultipartUpload=wrong)
    assert complete == s3_with_multipart.does(differences.PARTS_OUT_OF_ORDER)


def test_a_small_part_is_the_last_one(s3_with_multipart: ServerUnderTest, upload: Any) -> None:
    parts = _send(s3_with_multipart, upload, LAST, LAST)
    complete = outcome(s3_with_multipart.client.complete_multipart_upload, **upload, MultipartUpload=parts)
    assert complete == "400 EntityTooSmall"


def test_other_bytes_than_the_digest_of_a_part_says_are_refused(
    s3_with_multipart: ServerUnderTest, upload: Any
) -> None:
    wrong = outcome(
        s3_with_multipart.client.upload_part, **upload, PartNumber=1, Body=LAST, ContentMD5="xMpCOKC5I4INzFCab3WEmw=="
    )
    assert wrong == "400 BadDigest"


@pytest.mark.parametrize("lock", ["legal hold", "retention"])
def test_an_upload_is_locked_as_it_was_begun(s3_with_multipart: ServerUnderTest, key: str, lock: str) -> None:
    s3, target = s3_with_multipart, {"Bucket": s3_with_multipart.lockable, "Key": key}
    parameters: Any = {"ObjectLockLegalHoldStatus": "ON"}
    if lock == "retention":
        parameters = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": s3.now() + timedelta(days=1)}
    begun = s3.client.create_multipart_upload(**target, **parameters)
    upload = {**target, "UploadId": begun["UploadId"]}
    made = s3.client.complete_multipart_upload(**upload, MultipartUpload=_send(s3, upload, LAST))
    deleted = outcome(s3.client.delete_object, **target, VersionId=made["VersionId"])
    assert deleted == s3.does(differences.DELETE_LOCKED_UPLOAD)
