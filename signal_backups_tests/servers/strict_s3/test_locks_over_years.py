"""Object Lock of the in-memory S3 as years pass."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3.helpers import LOCKED, START, refused, versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

SEVEN_YEARS = START + timedelta(days=2557)


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_locked_version_can_be_deleted_from_the_end_of_its_retention_on(
    client: S3Client, clock: SimulatedClock, mode: Any
) -> None:
    lock: Any = {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": SEVEN_YEARS}
    version = client.put_object(Bucket=LOCKED, Key="k", Body=b"1", **lock)["VersionId"]
    clock.set(SEVEN_YEARS - timedelta(seconds=1))
    with refused("AccessDenied", 403):
        client.delete_object(Bucket=LOCKED, Key="k", VersionId=version)
    clock.set(SEVEN_YEARS)
    client.delete_object(Bucket=LOCKED, Key="k", VersionId=version)
    assert versions(client, LOCKED) == []


def test_a_legal_hold_has_no_end(client: S3Client, s3: StrictS3) -> None:
    version = client.put_object(Bucket=LOCKED, Key="k", Body=b"1", ObjectLockLegalHoldStatus="ON")["VersionId"]
    s3.advance(days=5000)
    with refused("AccessDenied", 403):
        client.delete_object(Bucket=LOCKED, Key="k", VersionId=version)


@pytest.mark.parametrize(("default", "days"), [({"Days": 30}, 30), ({"Years": 7}, 7 * 365)])
def test_a_default_retention_counts_from_the_upload(
    client: S3Client, s3: StrictS3, clock: SimulatedClock, default: Any, days: int
) -> None:
    configuration: Any = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", **default}},
    }
    client.put_object_lock_configuration(Bucket=LOCKED, ObjectLockConfiguration=configuration)
    s3.advance(days=10)
    client.put_object(Bucket=LOCKED, Key="k", Body=b"1")
    until = client.get_object_retention(Bucket=LOCKED, Key="k")["Retention"]["RetainUntilDate"]
    assert until == clock() + timedelta(days=days)
