"""Transitions by lifecycle rules as days pass. Dates are worked out by hand from AWS's guide:

https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3.helpers import BUCKET, put_rules, storage_class

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

LARGE = bytes(128 * 1024)
SECOND = timedelta(seconds=1)


def _at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def _put(client: S3Client, body: bytes = LARGE) -> str:
    return client.put_object(Bucket=BUCKET, Key="k", Body=body)["VersionId"]


def test_objects_go_down_the_waterfall(client: S3Client, clock: SimulatedClock) -> None:
    moves = [{"Days": 90, "StorageClass": "STANDARD_IA"}, {"Days": 365, "StorageClass": "GLACIER_IR"}]
    put_rules(client, BUCKET, {"Transitions": moves})
    _put(client)
    seen = []
    # 90 days after 01-01 02:00 is 04-01 02:00; 365 days after is 2027-01-01 02:00.
    for now in (_at(2026, 4, 2) - SECOND, _at(2026, 4, 2), _at(2027, 1, 2) - SECOND, _at(2027, 1, 2)):
        clock.set(now)
        seen.append(storage_class(client, BUCKET, "k"))
    assert seen == ["STANDARD", "STANDARD_IA", "STANDARD_IA", "GLACIER_IR"]
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == LARGE


def test_noncurrent_versions_move_by_their_own_rule(client: S3Client, s3: StrictS3) -> None:
    move = {"NoncurrentDays": 1, "StorageClass": "GLACIER", "NewerNoncurrentVersions": 1}
    put_rules(client, BUCKET, {"NoncurrentVersionTransitions": [move]})
    ids = [_put(client) for _ in range(3)]
    s3.advance(days=10)
    assert [storage_class(client, BUCKET, "k", VersionId=version) for version in ids] == [
        "GLACIER",
        "STANDARD",
        "STANDARD",
    ]


@pytest.mark.parametrize(
    ("settings", "size", "to", "moves"),
    [
        ({}, 131_071, "STANDARD_IA", False),
        ({}, 131_072, "STANDARD_IA", True),
        ({}, 131_071, "GLACIER", False),
        ({}, 131_071, "GLACIER_IR", False),
        ({"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}, 1, "GLACIER", True),
        ({"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}, 1, "DEEP_ARCHIVE", True),
        ({"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}, 131_071, "GLACIER_IR", False),
        ({"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}, 131_071, "STANDARD_IA", False),
    ],
)
def test_small_objects_stay_where_they_are(
    client: S3Client, s3: StrictS3, settings: Any, size: int, to: str, *, moves: bool
) -> None:
    put_rules(client, BUCKET, {"Transitions": [{"Days": 90, "StorageClass": to}]}, **settings)
    _put(client, body=bytes(size))
    s3.advance(days=100)
    assert storage_class(client, BUCKET, "k") == (to if moves else "STANDARD")


@pytest.mark.parametrize(
    ("by_size", "size", "moves"),
    [
        ({"ObjectSizeGreaterThan": 500}, 500, False),
        ({"ObjectSizeGreaterThan": 500}, 501, True),
        ({"ObjectSizeLessThan": 500}, 499, True),
        ({"ObjectSizeLessThan": 500}, 500, False),
    ],
)
def test_a_size_in_the_filter_replaces_the_default_minimum(
    client: S3Client, s3: StrictS3, by_size: Any, size: int, *, moves: bool
) -> None:
    put_rules(client, BUCKET, {"Filter": by_size, "Transitions": [{"Days": 90, "StorageClass": "STANDARD_IA"}]})
    _put(client, body=bytes(size))
    s3.advance(days=100)
    assert storage_class(client, BUCKET, "k") == ("STANDARD_IA" if moves else "STANDARD")


@pytest.mark.parametrize("classes", [("GLACIER", "STANDARD_IA"), ("STANDARD_IA", "GLACIER")])
def test_the_deeper_of_two_classes_wins(client: S3Client, s3: StrictS3, classes: tuple[str, str]) -> None:
    put_rules(client, BUCKET, *({"Transitions": [{"Days": 90, "StorageClass": name}]} for name in classes))
    _put(client)
    s3.advance(days=400)
    assert [(event.at, event.storage_class) for event in s3.lifecycle_log] == [(_at(2026, 4, 2), "GLACIER")]


def test_deletion_comes_before_transition(client: S3Client, s3: StrictS3) -> None:
    put_rules(
        client,
        BUCKET,
        {"NoncurrentVersionTransitions": [{"NoncurrentDays": 90, "StorageClass": "GLACIER"}]},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 90}},
    )
    _put(client)
    _put(client)
    s3.advance(days=400)
    assert [(event.at, event.action) for event in s3.lifecycle_log] == [(_at(2026, 4, 2), "delete")]


def test_transition_comes_before_a_delete_marker(client: S3Client, s3: StrictS3) -> None:
    put_rules(
        client,
        BUCKET,
        {"Expiration": {"Days": 90}},
        {"Transitions": [{"Days": 90, "StorageClass": "GLACIER"}]},
    )
    _put(client)
    s3.advance(days=400)
    assert [(event.at, event.action) for event in s3.lifecycle_log] == [
        (_at(2026, 4, 2), "transition"),
        (_at(2026, 4, 3), "mark"),
    ]
