"""Which lifecycles the strict S3 refuses, as AWS does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from signal_backups_tests.servers.strict_s3.helpers import BUCKET, put_rules, refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TAG = {"Key": "a", "Value": "b"}
MIDNIGHT, NOON = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, 12, tzinfo=UTC)
EXPIRE = {"Expiration": {"Days": 100}}


def _to(storage_class: str, days: int) -> dict[str, Any]:
    return {"Days": days, "StorageClass": storage_class}


def _noncurrent(storage_class: str, days: int, **more: int) -> dict[str, Any]:
    return {"NoncurrentVersionTransitions": [{"NoncurrentDays": days, "StorageClass": storage_class, **more}]}


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "IA before 30 days": ("InvalidArgument", {"Transitions": [_to("STANDARD_IA", 29)]}),
    "one zone IA before 30 days": ("InvalidArgument", {"Transitions": [_to("ONEZONE_IA", 29)]}),
    "noncurrent IA before 30 days": ("InvalidArgument", _noncurrent("STANDARD_IA", 29)),
    "archived less than 30 days after IA": (
        "InvalidArgument",
        {"Transitions": [_to("STANDARD_IA", 30), _to("GLACIER", 59)]},
    ),
    "up the waterfall": ("InvalidArgument", {"Transitions": [_to("GLACIER", 90), _to("STANDARD_IA", 120)]}),
    "deeper before less deep": ("InvalidArgument", {"Transitions": [_to("DEEP_ARCHIVE", 90), _to("GLACIER_IR", 91)]}),
    "a class twice": ("InvalidRequest", {"Transitions": [_to("GLACIER", 90), _to("GLACIER", 91)]}),
    "unknown class": ("MalformedXML", {"Transitions": [_to("FREEZER", 90)]}),
    "back to standard": ("MalformedXML", {"Transitions": [_to("STANDARD", 90)]}),
    "negative days": ("InvalidArgument", {"Transitions": [_to("GLACIER", -1)]}),
    "expired on the day of the last transition": (
        "InvalidArgument",
        {"Transitions": [_to("STANDARD_IA", 30), _to("GLACIER_IR", 100)], **EXPIRE},
    ),
    "noncurrent expired on the day of its transition": (
        "InvalidArgument",
        {**_noncurrent("GLACIER", 60), "NoncurrentVersionExpiration": {"NoncurrentDays": 60}},
    ),
    "expired after no days": ("InvalidArgument", {"Expiration": {"Days": 0}}),
    "noncurrent expired after no days": ("InvalidArgument", {"NoncurrentVersionExpiration": {"NoncurrentDays": 0}}),
    "aborted after no days": ("InvalidArgument", {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}}),
    "expired at noon": ("InvalidArgument", {"Expiration": {"Date": NOON}}),
    "moved at noon": ("InvalidArgument", {"Transitions": [{"Date": NOON, "StorageClass": "GLACIER"}]}),
    "days and a date in one action": ("MalformedXML", {"Expiration": {"Days": 1, "Date": MIDNIGHT}}),
    "days and dates in one rule": (
        "InvalidRequest",
        {"Transitions": [_to("GLACIER", 1)], "Expiration": {"Date": MIDNIGHT}},
    ),
    "markers and days": ("MalformedXML", {"Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}),
    "markers and a date": ("MalformedXML", {"Expiration": {"Date": MIDNIGHT, "ExpiredObjectDeleteMarker": True}}),
    "markers with a tag": (
        "InvalidRequest",
        {"Expiration": {"ExpiredObjectDeleteMarker": True}, "Filter": {"Tag": TAG}},
    ),
    "parts with a tag": (
        "InvalidRequest",
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"Tag": TAG}},
    ),
    "parts with tags": (
        "InvalidRequest",
        {
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
            "Filter": {"And": {"Prefix": "a", "Tags": [TAG]}},
        },
    ),
    "parts with a size": (
        "InvalidRequest",
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Filter": {"ObjectSizeGreaterThan": 1}},
    ),
    "none kept": (
        "InvalidArgument",
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 0}},
    ),
    "101 kept": (
        "InvalidArgument",
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}},
    ),
    "101 kept from moving": ("InvalidArgument", _noncurrent("GLACIER", 1, NewerNoncurrentVersions=101)),
    "kept for no number of days": ("MalformedXML", {"NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 1}}),
    "no action": ("InvalidRequest", {}),
    "unknown status": ("MalformedXML", {**EXPIRE, "Status": "On"}),
    "long id": ("InvalidArgument", {**EXPIRE, "ID": "r" * 256}),
    "filter and prefix": ("MalformedXML", {**EXPIRE, "Prefix": "a"}),
    "filter of two things": ("MalformedXML", {**EXPIRE, "Filter": {"Prefix": "a", "ObjectSizeGreaterThan": 1}}),
    "sizes the wrong way round": (
        "InvalidRequest",
        {**EXPIRE, "Filter": {"And": {"ObjectSizeGreaterThan": 10, "ObjectSizeLessThan": 10}}},
    ),
}
ACCEPTED: dict[str, dict[str, Any]] = {
    "the earliest there is": {
        "Transitions": [_to("STANDARD_IA", 30), _to("GLACIER_IR", 60), _to("GLACIER", 61), _to("DEEP_ARCHIVE", 62)],
        "Expiration": {"Days": 63},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 30, "StorageClass": "ONEZONE_IA"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 31, "NewerNoncurrentVersions": 100},
    },
    "archived at once": {"Transitions": [_to("GLACIER", 0)]},
    "by dates": {
        "Transitions": [{"Date": MIDNIGHT, "StorageClass": "GLACIER"}],
        "Expiration": {"Date": datetime(2027, 1, 2, tzinfo=UTC)},
    },
    "parts and markers of a prefix": {
        "Filter": {"Prefix": "signals/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
    "everything a filter can say": {
        "Filter": {
            "And": {"Prefix": "a", "Tags": [TAG], "ObjectSizeGreaterThan": 131072, "ObjectSizeLessThan": 1000000}
        },
        "Expiration": {"Days": 1},
    },
}


@pytest.mark.parametrize(("code", "rule"), REFUSED.values(), ids=REFUSED.keys())
def test_a_rule_that_s3_refuses(client: S3Client, code: str, rule: Any) -> None:
    with refused(code, 400):
        put_rules(client, BUCKET, rule)
    with refused("NoSuchLifecycleConfiguration", 404):
        client.get_bucket_lifecycle_configuration(Bucket=BUCKET)


@pytest.mark.parametrize("rule", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_rule_that_s3_accepts_comes_back_as_it_was_put(client: S3Client, rule: Any) -> None:
    put_rules(client, BUCKET, rule)
    found = client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert found == [{"ID": "r0", "Status": "Enabled", "Filter": {}, **rule}]


def test_ids_are_there_once(client: S3Client) -> None:
    with refused("InvalidArgument", 400):
        put_rules(client, BUCKET, {**EXPIRE, "ID": "same"}, {**EXPIRE, "ID": "same"})


def test_a_rule_without_an_id_gets_one(client: S3Client) -> None:
    rule: Any = {"Status": "Enabled", "Filter": {}, **EXPIRE}
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    assert client.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"][0]["ID"]


def test_a_thousand_rules_are_the_most(client: S3Client) -> None:
    rules = [{**EXPIRE, "Filter": {"Prefix": f"{number}/"}} for number in range(1001)]
    put_rules(client, BUCKET, *rules[:1000])
    with refused("MalformedXML", 400):
        put_rules(client, BUCKET, *rules)
    with refused("MalformedXML", 400):
        put_rules(client, BUCKET)


def test_old_rules_by_prefix_are_not_mixed_with_rules_by_filter_nor_keep_versions(client: S3Client) -> None:
    old: Any = {"ID": "old", "Status": "Enabled", "Prefix": "a/", "Expiration": {"Days": 1}}
    client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [old]})
    new = {"ID": "new", "Status": "Enabled", "Filter": {}, **EXPIRE}
    keeping = {**old, "NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 1}}
    for rules in ([old, new], [keeping]):
        wrong: Any = {"Rules": rules}
        with refused("InvalidRequest", 400):
            client.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration=wrong)


def test_a_put_replaces_the_whole_and_the_default_minimum_size_with_it(client: S3Client) -> None:
    varies: Any = {"TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    put_rules(client, BUCKET, EXPIRE, EXPIRE, **varies)
    found = client.get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert (len(found["Rules"]), found["TransitionDefaultMinimumObjectSize"]) == (2, "varies_by_storage_class")
    put_rules(client, BUCKET, EXPIRE)
    found = client.get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert (len(found["Rules"]), found["TransitionDefaultMinimumObjectSize"]) == (1, "all_storage_classes_128K")
    client.delete_bucket_lifecycle(Bucket=BUCKET)
    with refused("NoSuchLifecycleConfiguration", 404):
        client.get_bucket_lifecycle_configuration(Bucket=BUCKET)
