"""The object store: the few operations a backup needs, over S3, with typed errors.

Contract: ``put_file`` is atomic and returns only after the store has acknowledged the object under a checksum of its
bytes; a version, once named, never changes; ``get_file`` writes exactly the bytes of one version or raises;
listings are complete whatever their length. Every method raises ``NotFoundError`` for a missing object or version,
``ArchivedError`` when bytes are asked for that S3 cannot give before a thaw, and ``StoreError`` for everything else, a
missing bucket included, ``transient`` when the same call may succeed later.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

from signal_backups.core.csv_format import digest
from signal_backups.core.errors import (
    ArchivedError,
    ConflictError,
    NotFoundError,
    SignalBackupsError,
    StoreError,
    VerificationError,
)
from signal_backups.core.s3_client import DEFAULT_REGION

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MULTIPART_THRESHOLD_BYTES = 1024**3
MULTIPART_CHUNK_BYTES = 64 * 1024**2
#: How often a download whose body breaks off is begun again; boto3 retries requests, never bodies.
DOWNLOAD_ATTEMPTS = 4

#: Version id that stores give objects of a bucket without versioning.
UNVERSIONED = "null"

_SHA256_METADATA = "sha256"
_TRANSIENT_CODES = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "503", "500"}
_DENIED_CODES = {"AccessDenied", "403", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "Forbidden"}
_MISSING_CODES = {"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound"}
_ARCHIVED_CODES = {"InvalidObjectState", "ObjectNotInActiveTierError"}


@dataclass(frozen=True)
class ObjectVersion:
    """One stored version of an object, as a listing or a head shows it.

    ``restore_header`` is how far the thaw of an archived version is, in S3's words; only a head shows it.
    """

    key: str
    version_id: str
    size: int
    last_modified: datetime
    etag: str
    is_latest: bool = True
    is_delete_marker: bool = False
    storage_class: str = "STANDARD"
    # A thaw makes no other version of it.
    restore_header: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class ObjectLock:
    """S3's lock on one version: mode and end (UTC) of its retention, and whether a legal hold is on it."""

    mode: str | None
    retain_until: datetime | None
    legal_hold: bool

    def __str__(self) -> str:
        parts = [f"{self.mode.lower()} until {self.retain_until:%Y-%m-%d}"] if self.mode and self.retain_until else []
        return ", ".join([*parts, "legal hold"] if self.legal_hold else parts) or "none"


class S3ObjectStore:
    """Objects of one bucket."""

    def __init__(
        self, client: S3Client, bucket: str, *, multipart_threshold_bytes: int = MULTIPART_THRESHOLD_BYTES
    ) -> None:
        self._client = client
        self.bucket = bucket
        self._multipart_threshold = multipart_threshold_bytes

    def uri(self, key: str) -> str:
        """``s3://bucket/key``, for people."""
        return f"s3://{self.bucket}/{key}"

    def put_file(
        self,
        key: str,
        path: Path,
        metadata: Mapping[str, str],
        content_type: str,
        *,
        replaces: ObjectVersion | None,
    ) -> str:
        """Store a file and return its version id.

        Args:
            key: the object's key.
            path: the file; its SHA-256 is sent along, so that the store refuses other bytes.
            metadata: user metadata, ASCII.
            content_type: MIME type.
            replaces: the current version, which must still be current; None when there must be none.

        Raises:
            ConflictError: another version became current in the meantime.
        """
        whole = {**metadata, _SHA256_METADATA: digest(path).sha256}
        if path.stat().st_size > self._multipart_threshold:
            return self._put_multipart(key, path, whole, content_type)
        return self._put_single(key, path, whole, content_type, replaces)

    def put_bytes(self, key: str, body: bytes, content_type: str) -> str:
        """Store a small object and return its version id."""
        with self._errors(f"cannot write {self.uri(key)}"):
            response = self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ChecksumSHA256=_base64_sha256(body),
            )
        return response.get("VersionId", UNVERSIONED)

    def get_file(self, key: str, version_id: str, target: Path) -> None:
        """Download one version to a file, beginning again when the body breaks off."""
        for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
            try:
                self._download(key, version_id, target)
                return
            except StoreError as error:
                if not error.transient or attempt == DOWNLOAD_ATTEMPTS:
                    raise

    def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
        """A small object and its version id; the current version unless one is named."""
        with self._errors(f"cannot read {self.uri(key)}"):
            response = self._client.get_object(Bucket=self.bucket, Key=key, **_version(version_id))
            return response["Body"].read(), response.get("VersionId", UNVERSIONED)

    def head(self, key: str, version_id: str | None = None) -> ObjectVersion | None:
        """What the store knows of an object's current (or the named) version; None when there is none."""
        try:
            with self._errors(f"cannot look at {self.uri(key)}"):
                found = self._client.head_object(Bucket=self.bucket, Key=key, **_version(version_id))
        except NotFoundError:
            return None
        return ObjectVersion(
            key=key,
            version_id=found.get("VersionId", UNVERSIONED),
            size=found["ContentLength"],
            last_modified=found["LastModified"].astimezone(UTC),
            etag=found["ETag"],
            storage_class=found.get("StorageClass", "STANDARD"),
            restore_header=found.get("Restore"),
        )

    def remove_delete_marker(self, marker: ObjectVersion) -> None:
        """Remove a delete marker, so that the version below it is current again; never removes data."""
        if not marker.is_delete_marker:
            raise ValueError(f"{marker.key} version {marker.version_id} is data, not a delete marker")
        with self._errors(f"cannot remove the delete marker of {self.uri(marker.key)}"):
            self._client.delete_object(Bucket=self.bucket, Key=marker.key, VersionId=marker.version_id)

    def lock_of(self, key: str, version_id: str) -> ObjectLock:
        """What keeps one version from being deleted."""
        with self._errors(f"cannot look at {self.uri(key)}"):
            found = self._client.head_object(Bucket=self.bucket, Key=key, **_version(version_id))
        until = found.get("ObjectLockRetainUntilDate")
        return ObjectLock(
            mode=found.get("ObjectLockMode"),
            retain_until=until.astimezone(UTC) if until else None,
            legal_hold=found.get("ObjectLockLegalHoldStatus") == "ON",
        )

    def request_thaw(self, key: str, version_id: str, tier: str, days: int) -> bool:
        """Ask for a readable copy of an archived version; False when it is being thawed already.

        Args:
            key: the object's key.
            version_id: the version.
            tier: how fast: ``Expedited``, ``Standard`` or ``Bulk``.
            days: how long the copy stays readable, counted from the end of the thaw.
        """
        request: Any = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with self._errors(f"cannot ask for a thaw of {self.uri(key)} version {version_id}"):
            try:
                self._client.restore_object(Bucket=self.bucket, Key=key, RestoreRequest=request, **_version(version_id))
            except ClientError as error:
                if _code(error) != "RestoreAlreadyInProgress":
                    raise
                return False
        return True

    def metadata(self, key: str, version_id: str) -> Mapping[str, str]:
        """The user metadata of one version."""
        with self._errors(f"cannot look at {self.uri(key)}"):
            return self._client.head_object(Bucket=self.bucket, Key=key, **_version(version_id))["Metadata"]

    def list_current(self, prefix: str) -> Iterator[ObjectVersion]:
        """Current objects under a prefix, all pages; version ids are not part of such a listing and stay empty."""
        for page in self._pages("list_objects_v2", prefix):
            for item in page.get("Contents", []):
                yield ObjectVersion(
                    key=item["Key"],
                    version_id="",
                    size=item["Size"],
                    last_modified=item["LastModified"].astimezone(UTC),
                    etag=item["ETag"],
                    storage_class=item.get("StorageClass", "STANDARD"),
                )

    def list_versions(self, prefix: str) -> list[ObjectVersion]:
        """Every version and delete marker under a prefix, newest first within a key (some stores do not order them)."""
        found = [
            ObjectVersion(
                key=item["Key"],
                version_id=item["VersionId"],
                size=item.get("Size", 0),
                last_modified=item["LastModified"].astimezone(UTC),
                etag=item.get("ETag", ""),
                is_latest=item["IsLatest"],
                is_delete_marker=kind == "DeleteMarkers",
                storage_class=item.get("StorageClass", "STANDARD"),
            )
            for page in self._pages("list_object_versions", prefix)
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, [])
        ]
        return sorted(found, key=lambda v: (v.key, not v.is_latest, -v.last_modified.timestamp()))

    def is_versioned(self) -> bool:
        """Whether the bucket keeps overwritten versions."""
        with self._errors(f"cannot read the versioning of bucket {self.bucket}"):
            return self._client.get_bucket_versioning(Bucket=self.bucket).get("Status") == "Enabled"

    def create_bucket(self) -> bool:
        """Create the bucket unless it is there; returns whether it was created."""
        with self._errors(f"cannot create bucket {self.bucket}"):
            try:
                self._client.head_bucket(Bucket=self.bucket)
                return False
            except ClientError as error:
                if _code(error) not in _MISSING_CODES:
                    raise
            region = self._client.meta.region_name
            # us-east-1 is the one region that must not be named.
            constraint: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}}
            self._client.create_bucket(Bucket=self.bucket, **({} if region == DEFAULT_REGION else constraint))
            return True

    def enable_versioning(self) -> None:
        """Make the bucket keep every version."""
        with self._errors(f"cannot switch on versioning for bucket {self.bucket}"):
            self._client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def _put_single(
        self, key: str, path: Path, metadata: Mapping[str, str], content_type: str, replaces: ObjectVersion | None
    ) -> str:
        condition: Any = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces.etag}
        try:
            return self._put_object(key, path, metadata, content_type, condition)
        except ConflictError:
            current = self.head(key)
            if (
                current is not None
                and self.metadata(key, current.version_id).get(_SHA256_METADATA) == metadata[_SHA256_METADATA]
            ):
                # The answer to an earlier try was lost: the object that is in the way is our own.
                return current.version_id
            if replaces is not None and current == replaces:
                # Nobody was faster: this store (Ceph) does not understand If-Match.
                return self._put_object(key, path, metadata, content_type, {})
            raise

    def _put_object(
        self, key: str, path: Path, metadata: Mapping[str, str], content_type: str, condition: dict[str, Any]
    ) -> str:
        with self._errors(f"cannot write {self.uri(key)}"), path.open("rb") as body:
            response = self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                Metadata=metadata,
                ChecksumSHA256=base64.b64encode(bytes.fromhex(metadata[_SHA256_METADATA])).decode("ascii"),
                **condition,
            )
        return response.get("VersionId", UNVERSIONED)

    def _put_multipart(self, key: str, path: Path, metadata: Mapping[str, str], content_type: str) -> str:
        with self._errors(f"cannot write {self.uri(key)}"):
            target: Any = {"Bucket": self.bucket, "Key": key}
            upload_id = self._client.create_multipart_upload(
                **target, Metadata=metadata, ContentType=content_type, ChecksumAlgorithm="SHA256"
            )["UploadId"]
            try:
                parts = self._upload_parts(target, upload_id, path)
                response = self._client.complete_multipart_upload(
                    **target, UploadId=upload_id, MultipartUpload={"Parts": parts}
                )
            except BaseException:
                # An unfinished upload is billed for ever and shows in no listing.
                self._client.abort_multipart_upload(**target, UploadId=upload_id)
                raise
        return response.get("VersionId", UNVERSIONED)

    def _upload_parts(self, target: dict[str, str], upload_id: str, path: Path) -> list[CompletedPartTypeDef]:
        parts: list[CompletedPartTypeDef] = []
        with path.open("rb") as file:
            while chunk := file.read(MULTIPART_CHUNK_BYTES):
                number, checksum = len(parts) + 1, _base64_sha256(chunk)
                sent = self._client.upload_part(
                    **target,  # type: ignore[arg-type]
                    UploadId=upload_id,
                    PartNumber=number,
                    Body=chunk,
                    ChecksumSHA256=checksum,
                )
                parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": checksum})
        return parts

    def _download(self, key: str, version_id: str, target: Path) -> None:
        with self._errors(f"cannot read {self.uri(key)} version {version_id}"):
            response = self._client.get_object(Bucket=self.bucket, Key=key, **_version(version_id))
            with target.open("wb") as file:
                for chunk in response["Body"].iter_chunks(1024 * 1024):
                    file.write(chunk)
            if target.stat().st_size != response["ContentLength"]:
                raise StoreError(f"{self.uri(key)} broke off while it was read", transient=True)

    def _pages(self, operation: Any, prefix: str) -> Iterator[dict[str, Any]]:
        with self._errors(f"cannot list s3://{self.bucket}/{prefix}"):
            yield from self._client.get_paginator(operation).paginate(Bucket=self.bucket, Prefix=prefix)

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise (_about_archives(doing, error) or self._explained(doing, error)) from error
        except NoCredentialsError as error:
            raise StoreError(
                f"{doing}: no credentials", remedy="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except (BotoCoreError, HTTPClientError, OSError) as error:
            raise StoreError(
                f"{doing}: {error}", remedy="Check AWS_ENDPOINT_URL_S3 and that the store is up", transient=True
            ) from error

    def _explained(self, doing: str, error: ClientError) -> SignalBackupsError:
        code = _code(error)
        reason = f"{doing}: {code} {error.response.get('Error', {}).get('Message', '')}".rstrip()
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            return StoreError(f"{doing}: no bucket {self.bucket}", remedy="Create it with: signal-backups init")
        if code in _MISSING_CODES:
            return NotFoundError(reason)
        if code in {"PreconditionFailed", "ConditionalRequestConflict", "412"}:
            return ConflictError(f"{doing}: somebody else wrote it meanwhile", remedy="Run it again", transient=True)
        if code in _DENIED_CODES:
            return StoreError(reason, remedy="Check the AWS credentials and what they are allowed to do")
        if code in {"BadDigest", "XAmzContentSHA256Mismatch"}:
            return VerificationError(f"{reason}: damaged on the way", remedy="Run it again", transient=True)
        return StoreError(reason, transient=code in _TRANSIENT_CODES or status >= 500)


def _version(version_id: str | None) -> Any:
    return {"VersionId": version_id} if version_id else {}


def _about_archives(doing: str, error: ClientError) -> SignalBackupsError | None:
    code = _code(error)
    # To RestoreObject the same code means the opposite: the object is not archived.
    if code in _ARCHIVED_CODES and error.operation_name != "RestoreObject":
        return ArchivedError(f"{doing}: it is archived", remedy="It must be thawed first; a thaw takes up to 48 hours")
    if code == "GlacierExpeditedRetrievalNotAvailable":
        return StoreError(
            f"{doing}: S3 has no capacity for Expedited now", remedy="Use the Standard tier", transient=True
        )
    return None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _base64_sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
