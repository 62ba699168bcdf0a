"""The proxy's faults, as boto3 sees them in front of a server which checks signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError

from signal_backups_tests.servers.chaos import ChaosProxy
from signal_backups_tests.servers.faults import Answer, Flip, Refuse, Reset
from signal_backups_tests.servers.s3 import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from signal_backups.embedded.seaweedfs import S3Server

BODY = bytes(range(256)) * 4096


@pytest.fixture
def s3_proxy(s3_server: S3Server) -> Iterator[ChaosProxy]:
    with ChaosProxy(s3_server.endpoint_url) as proxy:
        yield proxy


def test_signatures_stay_valid(s3_proxy: ChaosProxy, s3_server: S3Server, bucket: str) -> None:
    client = client_for(replace(s3_server, endpoint_url=s3_proxy.url))
    client.put_object(Bucket=bucket, Key="key", Body=BODY)
    assert client.get_object(Bucket=bucket, Key="key")["Body"].read() == BODY


def test_boto3_sees_the_error_code(s3_proxy: ChaosProxy, s3_server: S3Server, bucket: str) -> None:
    s3_proxy.strike(Answer(403, "AccessDenied"))
    with pytest.raises(ClientError) as refused:
        client_for(replace(s3_server, endpoint_url=s3_proxy.url)).put_object(Bucket=bucket, Key="key", Body=BODY)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


def test_boto3_tries_again(s3_proxy: ChaosProxy, s3_server: S3Server, bucket: str) -> None:
    client = client_for(replace(s3_server, endpoint_url=s3_proxy.url))
    for fault in (Refuse(), Answer(503, "SlowDown"), Reset(after=10)):
        s3_proxy.strike(fault, times=1)
        client.put_object(Bucket=bucket, Key="key", Body=BODY)
    assert s3_proxy.struck == 3


def test_boto3_notices_flipped_bits(s3_proxy: ChaosProxy, s3_server: S3Server, bucket: str) -> None:
    client = client_for(replace(s3_server, endpoint_url=s3_proxy.url), max_attempts=1)
    s3_proxy.strike(Flip(500_000, "up"), times=1)
    with pytest.raises(ClientError, match="BadDigest"):
        client.put_object(Bucket=bucket, Key="key", Body=BODY)
    client.put_object(Bucket=bucket, Key="key", Body=BODY)
    s3_proxy.strike(Flip(500_000), times=1)
    with pytest.raises(FlexibleChecksumError):
        client.get_object(Bucket=bucket, Key="key")["Body"].read()
