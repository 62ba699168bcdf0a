"""Injected faults, the counting of requests, and what the in-memory S3 refuses because it does not know it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ConnectionClosedError

from signal_backups_tests.servers.faults import Answer, Refuse
from signal_backups_tests.servers.strict_s3 import LostAnswer, SimulatedClock, StrictS3
from signal_backups_tests.servers.strict_s3.helpers import BUCKET, START, refused, versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_the_next_requests_fail_and_do_nothing(client: S3Client, s3: StrictS3) -> None:
    s3.fail_next(2, "SlowDown", 503)
    for _ in range(2):
        with refused("SlowDown", 503):
            client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert versions(client, BUCKET) == []


def test_only_the_named_operation_fails(client: S3Client, s3: StrictS3) -> None:
    s3.fail_next(1, "AccessDenied", 403, operation="GetObject")
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    with refused("AccessDenied", 403):
        client.get_object(Bucket=BUCKET, Key="k")
    assert client.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"1"


def test_a_lost_answer_is_to_something_that_was_done(client: S3Client, s3: StrictS3) -> None:
    s3.faults = lambda operation: LostAnswer() if operation == "PutObject" else None
    with pytest.raises(ConnectionClosedError):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert versions(client, BUCKET) == ["data"]


def test_a_refused_connection_is_for_something_that_was_not_done(client: S3Client, s3: StrictS3) -> None:
    s3.faults = lambda operation: Refuse() if operation == "PutObject" else None
    with pytest.raises(ConnectionClosedError):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert versions(client, BUCKET) == []


def test_a_client_that_tries_again_meets_its_own_object_after_a_lost_answer(client: S3Client, s3: StrictS3) -> None:
    faults: list[LostAnswer] = [LostAnswer()]
    s3.faults = lambda _operation: faults.pop() if faults else None
    with refused("PreconditionFailed", 412):
        s3.client(max_attempts=2).put_object(Bucket=BUCKET, Key="k", Body=b"1", IfNoneMatch="*")
    assert versions(client, BUCKET) == ["data"]


def test_a_client_retries_server_errors_up_to_its_limit(client: S3Client, s3: StrictS3) -> None:
    client_with_retries = s3.client(max_attempts=3)
    s3.fail_next(2, "InternalError", 500)
    client_with_retries.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    s3.fail_next(3, "InternalError", 500)
    with refused("InternalError", 500):
        client_with_retries.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    s3.requests.clear()
    s3.fail_next(1, "AccessDenied", 403)
    with refused("AccessDenied", 403):
        client_with_retries.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert s3.requests == {"PutObject": 1}


def test_every_request_is_counted_by_its_operation(client: S3Client, s3: StrictS3) -> None:
    s3.requests.clear()
    s3.fail_next(1, "SlowDown", 503)
    with refused("503", 503):
        client.head_bucket(Bucket=BUCKET)
    client.head_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert s3.requests == {"HeadBucket": 2, "PutObject": 1}


def test_a_seeded_plan_fails_the_same_requests_every_time() -> None:
    def stored(seed: int) -> list[str]:
        s3, chance = StrictS3(SimulatedClock(START)), random.Random(seed)  # noqa: S311
        client = s3.client()
        client.create_bucket(Bucket=BUCKET)
        s3.faults = lambda operation: (
            Answer(503, "SlowDown") if operation == "PutObject" and chance.random() < 0.2 else None
        )
        for number in range(30):
            try:
                client.put_object(Bucket=BUCKET, Key=f"{number:02}", Body=b"1")
            except client.exceptions.ClientError:
                continue
        return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]]

    assert stored(1) == stored(1) != stored(2)
    assert 10 < len(stored(1)) < 30


def test_time_does_not_go_back(clock: SimulatedClock) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(timedelta(seconds=-1))


def test_what_the_in_memory_s3_does_not_know_is_refused(client: S3Client) -> None:
    with refused("NotImplemented", 501):
        client.list_buckets()
    with refused("NotImplemented", 501):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"", ACL="private")
    with refused("NotImplemented", 501):
        client.put_object(Bucket=BUCKET, Key="k", Body=b"", IfNoneMatch='"0"')
    client.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    with refused("NotImplemented", 501):
        client.get_object(Bucket=BUCKET, Key="k", IfModifiedSince=START)
