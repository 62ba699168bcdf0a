"""Digests: other bytes than the sender meant are refused, and a stored checksum comes back."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.contract import differences
from signal_backups_tests.servers.contract.servers import OK, outcome

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.servers import ServerUnderTest

BODY = b"signal,value\n"


def _base64(algorithm: str, body: bytes) -> str:
    return base64.b64encode(hashlib.new(algorithm, body).digest()).decode()


def _stored_checksum(s3: ServerUnderTest, target: Any) -> str | None:
    return s3.client.head_object(**target, ChecksumMode="ENABLED").get("ChecksumSHA256")


def _expected_checksum(s3: ServerUnderTest, body: bytes) -> str | None:
    return _base64("sha256", body) if s3.does(differences.STORED_CHECKSUM) == "shown" else None


@pytest.mark.parametrize(
    "wrong",
    [
        {"ChecksumSHA256": _base64("sha256", b"other")},
        {"ChecksumSHA1": _base64("sha1", b"other")},
        {"ChecksumCRC32": "AAAAAA=="},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_other_bytes_than_the_checksum_says_are_refused_and_not_stored(
    s3: ServerUnderTest, key: str, wrong: Any
) -> None:
    put = outcome(s3.client.put_object, Bucket=s3.versioned, Key=key, Body=BODY, **wrong)
    assert put == s3.does(differences.WRONG_CHECKSUM)
    stored = "Versions" in s3.client.list_object_versions(Bucket=s3.versioned, Prefix=key)
    assert stored == (put == OK)


def test_other_bytes_than_the_md5_says_are_refused_and_not_stored(s3: ServerUnderTest, key: str) -> None:
    wrong: Any = {"Body": BODY, "ContentMD5": _base64("md5", b"other")}
    assert outcome(s3.client.put_object, Bucket=s3.versioned, Key=key, **wrong) == "400 BadDigest"
    assert "Versions" not in s3.client.list_object_versions(Bucket=s3.versioned, Prefix=key)


def test_a_malformed_md5_is_refused(s3: ServerUnderTest, key: str) -> None:
    malformed: Any = {"Body": BODY, "ContentMD5": "no base64"}
    assert outcome(s3.client.put_object, Bucket=s3.versioned, Key=key, **malformed) == "400 InvalidDigest"


def test_a_malformed_checksum_is_refused(s3: ServerUnderTest, key: str) -> None:
    malformed: Any = {"Body": BODY, "ChecksumSHA256": "AAAA"}
    put = outcome(s3.client.put_object, Bucket=s3.versioned, Key=key, **malformed)
    assert put == s3.does(differences.MALFORMED_CHECKSUM)


def test_a_head_shows_the_stored_checksum_when_asked(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.versioned, "Key": key}
    s3.client.put_object(**target, Body=BODY, ChecksumSHA256=_base64("sha256", BODY))
    assert _stored_checksum(s3, target) == _expected_checksum(s3, BODY)


def test_a_head_shows_no_checksum_unless_asked(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.versioned, "Key": key}
    s3.client.put_object(**target, Body=BODY, ChecksumSHA256=_base64("sha256", BODY))
    assert "ChecksumSHA256" not in s3.client.head_object(**target)


def test_a_streamed_body_is_stored_whole_with_its_checksum(s3: ServerUnderTest, key: str) -> None:
    target: Any = {"Bucket": s3.versioned, "Key": key}
    body = bytes(range(256)) * 1000
    s3.client.put_object(**target, Body=io.BytesIO(body), ChecksumAlgorithm="SHA256")
    assert s3.client.get_object(**target)["Body"].read() == body
    assert _stored_checksum(s3, target) == _expected_checksum(s3, body)
