"""The S3 servers that the contract is tested on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups_tests.servers.contract.differences import Difference, ServerName

OK = "ok"


@dataclass(frozen=True)
class ServerUnderTest:
    """One S3 server with buckets that all tests share; they keep apart by their keys.

    Attributes:
        now: the present instant (UTC) by the clock that the server goes by.
        move_clock: moves a simulated clock on to an instant (UTC); does nothing where time passes by itself.
        client_without_digests: sends no checksum of its own accord.
        lockable: a bucket with Object Lock and no default retention.
    """

    name: ServerName
    client: S3Client
    client_without_digests: S3Client
    now: Callable[[], datetime]
    move_clock: Callable[[datetime], None]
    unversioned: str
    versioned: str
    lockable: str

    def does(self, difference: Difference) -> str:
        """What this server does where servers differ."""
        return difference.on(self.name)


def outcome(call: Callable[..., Any], **parameters: Any) -> str:
    """``ok``, or how S3 refuses a request: ``412 PreconditionFailed``, of a HEAD the status alone."""
    try:
        call(**parameters)
    except ClientError as error:
        status, code = error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return code if code == str(status) else f"{status} {code}"
    return OK


def new_bucket(client: S3Client, *, versioned: bool = False, lockable: bool = False) -> str:
    """The name of a fresh bucket; one with Object Lock is versioned."""
    name = f"contract-{uuid.uuid4().hex}"
    if lockable:
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    elif versioned:
        create_versioned_bucket(client, name)
    else:
        client.create_bucket(Bucket=name)
    return name


def in_memory() -> ServerUnderTest:
    """The in-memory S3, on 1 January 2026."""
    clock = SimulatedClock(datetime(2026, 1, 1, 2, tzinfo=UTC))
    s3 = StrictS3(clock)
    without_digests = client_for(S3Server("http://in-memory", "key", "secret", "us-east-1"), adds_digests=False)
    s3.attach(without_digests)
    return _with_buckets("memory", (s3.client(), without_digests), clock, clock.set)


def over_http(name: ServerName, server: S3Server) -> ServerUnderTest:
    """A real server, whose clock is this machine's."""
    clients = client_for(server, max_attempts=1), client_for(server, max_attempts=1, adds_digests=False)
    return _with_buckets(name, clients, lambda: datetime.now(UTC), lambda _instant: None)


def _with_buckets(
    name: ServerName,
    clients: tuple[S3Client, S3Client],
    now: Callable[[], datetime],
    move_clock: Callable[[datetime], None],
) -> ServerUnderTest:
    client, client_without_digests = clients
    return ServerUnderTest(
        name=name,
        client=client,
        client_without_digests=client_without_digests,
        now=now,
        move_clock=move_clock,
        unversioned=new_bucket(client),
        versioned=new_bucket(client, versioned=True),
        lockable=new_bucket(client, lockable=True),
    )
