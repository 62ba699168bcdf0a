"""A boto3 client that fits its store: addressing, checksum mode, time-outs, retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
ChecksumMode = Literal["auto", "when_supported", "when_required"]

DEFAULT_REGION = "us-east-1"
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
#: More than the threads that work in parallel; with botocore's own ten they would open new connections all the time.
MAX_CONNECTIONS = 32


@dataclass(frozen=True)
class S3Connection:
    """How to reach an S3 store; for None boto3 looks in the environment, the profile and the instance role."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    addressing_style: AddressingStyle = "auto"
    checksum_mode: ChecksumMode = "auto"
    max_attempts: int = 5
    profile: str | None = None
    verify_tls: bool | None = None

    @property
    def chosen_addressing(self) -> AddressingStyle:
        """Path style for custom endpoints: few of them resolve ``bucket.host``."""
        if self.addressing_style != "auto":
            return self.addressing_style
        return "path" if self.endpoint_url else "auto"

    @property
    def chosen_checksums(self) -> Literal["when_supported", "when_required"]:
        """AWS accepts the checksums that boto3 adds by itself; many other stores refuse them over https.

        Uploads carry a SHA-256 of their own in either mode.
        """
        if self.checksum_mode != "auto":
            return self.checksum_mode
        return "when_required" if self.endpoint_url else "when_supported"


def s3_client(connection: S3Connection) -> S3Client:
    """A client for the connection; connects to nothing yet."""
    session = boto3.session.Session(profile_name=connection.profile)
    return session.client(
        "s3",
        verify=connection.verify_tls,
        endpoint_url=connection.endpoint_url,
        region_name=connection.region or DEFAULT_REGION,
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=connection.secret_access_key,
        aws_session_token=connection.session_token,
        config=Config(
            s3={"addressing_style": connection.chosen_addressing},
            request_checksum_calculation=connection.chosen_checksums,
            response_checksum_validation=connection.chosen_checksums,
            max_pool_connections=MAX_CONNECTIONS,
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": connection.max_attempts},
        ),
    )
