"""Uploading one file, whole or in parts, under a checksum of its bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.s3.object_version import UNVERSIONED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MULTIPART_CHUNK_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class Upload:
    """A file, and the object that it becomes.

    Attributes:
        bucket: the bucket.
        key: the object's key.
        path: the file.
        digest: of the file; other bytes do not become an object.
        metadata: user metadata, ASCII.
        content_type: MIME type.
        lock: parameters of a request that lock the object; empty for none.
    """

    bucket: str
    key: str
    path: Path
    digest: FileDigest
    metadata: Mapping[str, str]
    content_type: str
    lock: Mapping[str, Any]

    @property
    def target(self) -> dict[str, Any]:
        """The parameters that name the object."""
        return {"Bucket": self.bucket, "Key": self.key}

    @property
    def description(self) -> dict[str, Any]:
        """The parameters that describe the object."""
        return {**self.target, "Metadata": self.metadata, "ContentType": self.content_type, **self.lock}


def put_whole(client: S3Client, upload: Upload, condition: Mapping[str, Any]) -> str:
    """Send the file in one request, which the store refuses if the bytes are others; returns the version id."""
    checksum = base64.b64encode(bytes.fromhex(upload.digest.sha256)).decode("ascii")
    with upload.path.open("rb") as body:
        response = client.put_object(**upload.description, Body=body, ChecksumSHA256=checksum, **condition)
    return response.get("VersionId", UNVERSIONED)


def put_in_parts(
    client: S3Client, upload: Upload, condition: Mapping[str, Any], before_completion: Callable[[], None]
) -> str:
    """Send the file in parts and return the version id; a failed upload leaves nothing behind.

    Args:
        client: of the store.
        upload: what to send.
        condition: under which the parts may become the object; Ceph ignores it.
        before_completion: called when all parts are there; raises if they must not become the object.

    Raises:
        VerificationError: the bytes that were sent are not those of the digest.
    """
    upload_id = client.create_multipart_upload(**upload.description, ChecksumAlgorithm="SHA256")["UploadId"]
    try:
        parts = _sent_parts(client, upload, upload_id)
        before_completion()
        response = client.complete_multipart_upload(
            **upload.target, UploadId=upload_id, MultipartUpload={"Parts": parts}, **condition
        )
    except BaseException:
        # An unfinished upload is billed for ever and shows in no listing. It is gone if only the answer was lost.
        with suppress(client.exceptions.NoSuchUpload):
            client.abort_multipart_upload(**upload.target, UploadId=upload_id)
        raise
    return response.get("VersionId", UNVERSIONED)


def _sent_parts(client: S3Client, upload: Upload, upload_id: str) -> list[CompletedPartTypeDef]:
    parts: list[CompletedPartTypeDef] = []
    whole = hashlib.sha256()
    with upload.path.open("rb") as file:
        while chunk := file.read(MULTIPART_CHUNK_BYTES):
            number, checksum = len(parts) + 1, base64_sha256(chunk)
            whole.update(chunk)
            sent = client.upload_part(
                **upload.target, UploadId=upload_id, PartNumber=number, Body=chunk, ChecksumSHA256=checksum
            )
            parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum})
    if whole.hexdigest() != upload.digest.sha256:
        # S3 checks each part alone.
        raise VerificationError(f"{upload.path} was changed after it was hashed", remedy="Run it again")
    return parts


def base64_sha256(body: bytes) -> str:
    """The SHA-256 of a body as S3's headers have it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
