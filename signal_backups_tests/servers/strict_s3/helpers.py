"""Buckets, requests and expectations that tests of the in-memory S3 share."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

START = datetime(2026, 1, 1, 2, tzinfo=UTC)
#: Versioned.
BUCKET = "strict"
#: Versioned, with Object Lock.
LOCKED = "strict-locked"


@contextmanager
def refused(code: str, status: int) -> Iterator[None]:
    """Expect this error of S3."""
    with pytest.raises(ClientError) as caught:
        yield
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def put_rules(client: S3Client, bucket: str, *rules: dict[str, Any], **settings: Any) -> None:
    """Replace the lifecycle; rules are enabled and apply to every object, unless they say otherwise."""
    whole: Any = [{"ID": f"r{number}", "Status": "Enabled", "Filter": {}, **rule} for number, rule in enumerate(rules)]
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": whole}, **settings)


def versions(client: S3Client, bucket: str, key: str = "") -> list[str]:
    """``data`` or ``marker`` for each version under a prefix, newest first."""
    found = client.list_object_versions(Bucket=bucket, Prefix=key)
    kinds = [(item["IsLatest"], item["LastModified"], "data") for item in found.get("Versions", [])]
    kinds += [(item["IsLatest"], item["LastModified"], "marker") for item in found.get("DeleteMarkers", [])]
    return [kind for _, _, kind in sorted(kinds, reverse=True)]


def storage_class(client: S3Client, bucket: str, key: str, **version: Any) -> str:
    """The class of an object, as a HEAD shows it."""
    return client.head_object(Bucket=bucket, Key=key, **version).get("StorageClass", "STANDARD")
