"""An in-memory S3 at 02:00 UTC on 1 January 2026, with two buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.helpers import BUCKET, LOCKED, START

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def s3(clock: SimulatedClock) -> StrictS3:
    return StrictS3(clock)


@pytest.fixture
def client(s3: StrictS3) -> S3Client:
    """A client of an S3 with a versioned bucket, and one with Object Lock."""
    client = s3.client()
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    client.create_bucket(Bucket=LOCKED, ObjectLockEnabledForBucket=True)
    return client
