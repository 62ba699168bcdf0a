"""A boto3 client that fits its store: addressing, checksum mode, time-outs, retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from signal_backups.core.s3.connection import DEFAULT_REGION, S3Connection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
#: More than the threads that work in parallel; with botocore's own ten they would open new connections all the time.
MAX_CONNECTIONS = 32


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
