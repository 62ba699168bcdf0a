"""Archived objects of the strict S3: refused until thawed, readable for as long as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3.helpers import BUCKET, refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.strict_s3 import StrictS3


def _archive(client: S3Client, storage_class: Any) -> None:
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1", StorageClass=storage_class)


def _thaw(client: S3Client, tier: Any, days: int = 3) -> int:
    request: Any = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
    answer = client.restore_object(Bucket=BUCKET, Key="k", RestoreRequest=request)
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def _restore_header(client: S3Client) -> str | None:
    return client.head_object(Bucket=BUCKET, Key="k").get("Restore")


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"])
def test_other_classes_are_readable_at_once_and_not_thawed(client: S3Client, storage_class: str) -> None:
    _archive(client, storage_class)
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"
    with refused("InvalidObjectState", 403):
        _thaw(client, "Standard")


@pytest.mark.parametrize(
    ("storage_class", "tier", "minutes"),
    [
        ("GLACIER", "Expedited", 5),
        ("GLACIER", "Standard", 5 * 60),
        ("GLACIER", "Bulk", 12 * 60),
        ("DEEP_ARCHIVE", "Standard", 12 * 60),
        ("DEEP_ARCHIVE", "Bulk", 48 * 60),
    ],
)
def test_a_thaw_takes_its_time(client: S3Client, s3: StrictS3, storage_class: str, tier: str, minutes: int) -> None:
    _archive(client, storage_class)
    with refused("InvalidObjectState", 403):
        client.get_object(Bucket=BUCKET, Key="k")
    assert _restore_header(client) is None
    assert _thaw(client, tier) == 202
    s3.advance(minutes=minutes - 1)
    assert _restore_header(client) == 'ongoing-request="true"'
    with refused("InvalidObjectState", 403):
        client.get_object(Bucket=BUCKET, Key="k")
    s3.advance(minutes=1)
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"
    # Asked for on 01-01 at 02:00: three days later is 01-04 02:00, rounded up.
    assert _restore_header(client) == 'ongoing-request="false", expiry-date="Mon, 05 Jan 2026 00:00:00 GMT"'


def test_the_copy_goes_and_the_archived_object_stays(client: S3Client, s3: StrictS3) -> None:
    _archive(client, "GLACIER")
    _thaw(client, "Standard", days=1)
    s3.advance(hours=45)
    assert client.get_object(Bucket=BUCKET, Key="k")["StorageClass"] == "GLACIER"
    s3.advance(hours=1)
    with refused("InvalidObjectState", 403):
        client.get_object(Bucket=BUCKET, Key="k")
    assert _restore_header(client) is None
    assert _thaw(client, "Standard") == 202


def test_a_copy_is_there_for_a_while_however_long_its_thaw_took(client: S3Client, s3: StrictS3) -> None:
    _archive(client, "DEEP_ARCHIVE")
    _thaw(client, "Bulk", days=1)
    s3.advance(hours=48)
    assert _restore_header(client) == 'ongoing-request="false", expiry-date="Sun, 04 Jan 2026 00:00:00 GMT"'


def test_a_thaw_under_way_can_only_be_made_faster(client: S3Client, s3: StrictS3) -> None:
    _archive(client, "GLACIER")
    _thaw(client, "Standard")
    for tier in ("Standard", "Bulk"):
        with refused("RestoreAlreadyInProgress", 409):
            _thaw(client, tier)
    assert _thaw(client, "Expedited") == 202
    s3.advance(minutes=5)
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"


def test_asking_again_for_a_copy_that_is_there_sets_its_end_anew(client: S3Client, s3: StrictS3) -> None:
    _archive(client, "GLACIER")
    _thaw(client, "Standard", days=3)
    s3.advance(days=1)
    assert _thaw(client, "Bulk", days=10) == 200
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"
    # 01-02 02:00 and ten days.
    assert _restore_header(client) == 'ongoing-request="false", expiry-date="Tue, 13 Jan 2026 00:00:00 GMT"'


def test_a_thaw_that_makes_no_sense_is_refused(client: S3Client) -> None:
    _archive(client, "DEEP_ARCHIVE")
    with refused("InvalidArgument", 400):
        _thaw(client, "Expedited")
    with refused("InvalidArgument", 400):
        _thaw(client, "Bulk", days=0)
    with refused("NoSuchKey", 404):
        client.restore_object(Bucket=BUCKET, Key="other", RestoreRequest={"Days": 1})
