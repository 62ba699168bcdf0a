"""Plain boto3 against the embedded server, independent of the project's own S3 code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from signal_backups.embedded.seaweedfs import S3Server


def client_for(server: S3Server, *, max_attempts: int = 5, adds_digests: bool = True) -> S3Client:
    """A client of the server.

    Args:
        server: with its address and credentials.
        max_attempts: 1 shows every fault instead of retrying.
        adds_digests: whether requests that bring no digest get one.
    """
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": max_attempts},
            request_checksum_calculation="when_supported" if adds_digests else "when_required",
        ),
    )


def create_versioned_bucket(client: S3Client, bucket: str) -> None:
    """Create the bucket with versioning on."""
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def remove_bucket(client: S3Client, bucket: str) -> None:
    """Delete every version of every object, then the bucket."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
    client.delete_bucket(Bucket=bucket)
