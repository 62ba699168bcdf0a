"""The object store: the few S3 operations that backups need.

Contract: ``put_file`` is atomic and returns only after the store has acknowledged the object under a checksum of its
bytes; a version, once named, never changes; ``get_file`` writes exactly the bytes of one version or raises;
listings are complete, however long. Every method raises ``NotFoundError`` for a missing object or version,
``ArchivedError`` when bytes are asked for that S3 cannot give before a thaw, ``VerificationError`` when the bytes that
come are not those of the store's own checksum, and ``StoreError`` for everything else, a
missing bucket included; ``transient`` when the same call may succeed later.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.errors import ConflictError, NotFoundError, StoreError, VerificationError
from signal_backups.core.base.local_files import written_locally
from signal_backups.core.s3.bucket import BucketConfiguration
from signal_backups.core.s3.error_translation import error_code, s3_errors
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.s3.object_version import UNVERSIONED, ObjectVersion
from signal_backups.core.s3.request_count import counted_requests
from signal_backups.core.s3.upload import Upload, base64_sha256, put_in_parts, put_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MULTIPART_THRESHOLD_BYTES = 1024**3
#: How often a download is tried whose body breaks off; boto3 retries requests, never bodies.
DOWNLOAD_ATTEMPTS = 4

JSON_TYPE = "application/json"

#: User metadata of a file: its SHA-256, lower-case hex.
SHA256_METADATA = "sha256"


def date_of(answer: Any) -> datetime | None:
    """The time of the store (UTC, whole seconds) when it gave an answer; None when the answer has no ``Date``."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(said).astimezone(UTC) if said else None
    except ValueError:
        return None


class S3ObjectStore:
    """The objects of one bucket; with a lock policy, the request that writes an object also locks it."""

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        lock: LockPolicy | None = None,
        clock: Clock = utc_now,
        multipart_threshold_bytes: int = MULTIPART_THRESHOLD_BYTES,
    ) -> None:
        self._client = client
        self.bucket = bucket
        self.lock = lock
        self.clock = clock
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
        digest: FileDigest,
        replaces: ObjectVersion | None,
    ) -> str:
        """Store a file and return its version id.

        Args:
            key: the object's key.
            path: the file.
            metadata: user metadata, ASCII.
            content_type: MIME type.
            digest: of the file, which is not hashed again here; it is sent along, so that other bytes are refused.
            replaces: the current version, which must still be current; None when there must be none.

        Raises:
            ConflictError: another version became current in the meantime.
            VerificationError: the file is not what its digest says.
        """
        if path.stat().st_size != digest.bytes:
            raise VerificationError(f"{path} was changed after it was hashed", remedy="Run it again")
        described = {**metadata, SHA256_METADATA: digest.sha256}
        upload = Upload(self.bucket, key, path, digest, described, content_type, self._locked())
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces.etag}
        try:
            return self._sent(upload, replaces, condition)
        except ConflictError:
            current = self.head(key)
            if current is not None and current.metadata.get(SHA256_METADATA) == digest.sha256:
                # The object is our own: the answer to an earlier try was lost.
                return current.version_id
            if replaces is not None and current == replaces:
                # Nobody was faster: this store (Ceph) does not understand If-Match.
                return self._sent(upload, replaces, {})
            raise

    def put_bytes(
        self,
        key: str,
        body: bytes,
        content_type: str,
        *,
        only_new: bool = False,
        replaces: ObjectVersion | None = None,
    ) -> str:
        """Store a small object and return its version id.

        Args:
            key: the object's key.
            body: its bytes; their SHA-256 is sent along, so that the store refuses others.
            content_type: MIME type.
            only_new: refuse when there is an object already; some stores ignore it, see ``ledger.conditional_writes``.
            replaces: refuse when this is no longer the current version; None: do not look.

        Raises:
            ConflictError: there is an object already, or another version is current.
            NotFoundError: there is nothing left to replace.
        """
        condition: Any = {"IfNoneMatch": "*"} if only_new else {"IfMatch": replaces.etag} if replaces else {}
        with s3_errors(self.bucket, f"cannot write {self.uri(key)}"):
            response = self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=body,
                ContentType=content_type,
                ChecksumSHA256=base64_sha256(body),
                **condition,
                **self._locked(),
            )
        return response.get("VersionId", UNVERSIONED)

    def create_bytes(self, key: str, body: bytes, content_type: str) -> str:
        """Store a small object where there is none yet, and return its version id.

        Raises:
            ConflictError: the key holds something else.
        """
        try:
            return self.put_bytes(key, body, content_type, only_new=True)
        except ConflictError:
            current = self.head(key)
            # The object is our own: the answer to an earlier try was lost.
            if current is not None and self.get_bytes(key, current.version_id)[0] == body:
                return current.version_id
            raise

    def replace_bytes(self, key: str, body: bytes, content_type: str, *, replaces: ObjectVersion | None) -> str:
        """Store a small object in place of another, and return its version id.

        Args:
            key: the object's key.
            body: its bytes, which no version of it has.
            content_type: MIME type.
            replaces: the current version, which must still be current; None when there must be none.

        Raises:
            ConflictError: another version became current in the meantime.
        """
        if replaces is None:
            return self.create_bytes(key, body, content_type)
        # Twice, because a store may also refuse while it is answering somebody else.
        for _ in range(2):
            try:
                return self.put_bytes(key, body, content_type, replaces=replaces)
            except (ConflictError, NotFoundError) as error:
                current = self.head(key)
                # The object is our own: the answer to an earlier try was lost.
                if current is not None and self.get_bytes(key, current.version_id)[0] == body:
                    return current.version_id
                if current != replaces:
                    raise ConflictError(
                        f"cannot write {self.uri(key)}: somebody else wrote it meanwhile",
                        remedy="Run it again",
                        transient=True,
                    ) from error
        # Nobody was faster: this store (Ceph) does not understand If-Match.
        return self.put_bytes(key, body, content_type)

    def get_file(self, key: str, version_id: str, target: Path) -> None:
        """Download one version to a file; starts again when the body breaks off.

        Raises:
            LocalStorageError: the file cannot be written.
        """
        for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
            try:
                self._download(key, version_id, target)
                return
            except (StoreError, VerificationError) as error:
                if not error.transient or attempt == DOWNLOAD_ATTEMPTS:
                    raise

    def get_bytes(self, key: str, version_id: str | None = None) -> tuple[bytes, str]:
        """The bytes and the version id of a small object; of the current version unless one is given."""
        with s3_errors(self.bucket, f"cannot read {self.uri(key)}"):
            response = self._client.get_object(Bucket=self.bucket, Key=key, **_version(version_id))
            return response["Body"].read(), response.get("VersionId", UNVERSIONED)

    def head(self, key: str, version_id: str | None = None) -> ObjectVersion | None:
        """Describe the current version of an object, or the given one; None when there is none."""
        try:
            with s3_errors(self.bucket, f"cannot look at {self.uri(key)}"):
                found = self._client.head_object(Bucket=self.bucket, Key=key, **_version(version_id))
        except NotFoundError:
            return None
        return ObjectVersion.from_head(key, found)

    def remove_delete_marker(self, marker: ObjectVersion) -> None:
        """Remove a delete marker, so that the version below it is current again; never removes data."""
        if not marker.is_delete_marker:
            raise ValueError(f"{marker.key} version {marker.version_id} is data, not a delete marker")
        with s3_errors(self.bucket, f"cannot remove the delete marker of {self.uri(marker.key)}"):
            self._client.delete_object(Bucket=self.bucket, Key=marker.key, VersionId=marker.version_id)

    def lock_of(self, key: str, version_id: str) -> ObjectLock:
        """The Object Lock of one version."""
        found = self.head(key, version_id)
        if found is None or found.lock is None:
            raise NotFoundError(f"cannot look at {self.uri(key)} version {version_id}: there is none")
        return found.lock

    def set_retention(self, key: str, version_id: str, mode: LockMode, until: datetime) -> None:
        """Lock one version until an instant (UTC); S3 lets a retention only become longer."""
        with s3_errors(self.bucket, f"cannot lock {self.uri(key)} version {version_id}"):
            self._client.put_object_retention(
                Bucket=self.bucket,
                Key=key,
                Retention={"Mode": mode.value, "RetainUntilDate": until},
                **_version(version_id),
            )

    def set_legal_hold(self, key: str, version_id: str, *, on: bool) -> None:
        """Put a legal hold on one version, or release it."""
        status = "ON" if on else "OFF"
        with s3_errors(self.bucket, f"cannot set the legal hold of {self.uri(key)} version {version_id}"):
            hold: Any = {"Status": status}
            self._client.put_object_legal_hold(Bucket=self.bucket, Key=key, LegalHold=hold, **_version(version_id))

    def request_thaw(self, key: str, version_id: str, tier: str, days: int) -> bool:
        """Request a readable copy of an archived version; False when a thaw is under way already.

        Args:
            key: the object's key.
            version_id: the version.
            tier: how fast: ``Expedited``, ``Standard`` or ``Bulk``.
            days: how long the copy stays readable; S3 counts from the request and rounds up to the next midnight.
        """
        request: Any = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with s3_errors(self.bucket, f"cannot ask for a thaw of {self.uri(key)} version {version_id}"):
            try:
                self._client.restore_object(Bucket=self.bucket, Key=key, RestoreRequest=request, **_version(version_id))
            except ClientError as error:
                if error_code(error) != "RestoreAlreadyInProgress":
                    raise
                return False
        return True

    def metadata(self, key: str, version_id: str) -> Mapping[str, str]:
        """The user metadata of one version."""
        with s3_errors(self.bucket, f"cannot look at {self.uri(key)}"):
            return self._client.head_object(Bucket=self.bucket, Key=key, **_version(version_id))["Metadata"]

    def sha256_kept(self, key: str, version_id: str) -> str | None:
        """The SHA-256 of all bytes of one version, lower-case hex, that the store keeps beside it, archived or not.

        None when it keeps none: some stores do not, and of an object that was uploaded in parts S3 keeps only that of
        the checksums of its parts.
        """
        with s3_errors(self.bucket, f"cannot look at {self.uri(key)} version {version_id}"):
            found = self._client.head_object(
                Bucket=self.bucket, Key=key, ChecksumMode="ENABLED", **_version(version_id)
            ).get("ChecksumSHA256", "")
        return base64.b64decode(found).hex() if found and "-" not in found else None

    def list_current(self, prefix: str) -> Iterator[ObjectVersion]:
        """All current objects under a prefix; such a listing has no version ids, they stay empty."""
        for page in self._pages("list_objects_v2", prefix):
            for item in page.get("Contents", []):
                yield ObjectVersion.from_listing({**item, "VersionId": "", "IsLatest": True})

    def list_folders(self, prefix: str) -> list[str]:
        """The folders right under a prefix that hold any version of any object, in order, each ending with a slash."""
        pages = self._pages("list_object_versions", prefix, Delimiter="/")
        return sorted(item["Prefix"] for page in pages for item in page.get("CommonPrefixes", []))

    def list_versions(self, prefix: str) -> list[ObjectVersion]:
        """Every version and delete marker under a prefix; sorted here, newest first within a key."""
        found = [
            ObjectVersion.from_listing(item, is_delete_marker=kind == "DeleteMarkers")
            for page in self._pages("list_object_versions", prefix)
            for kind in ("Versions", "DeleteMarkers")
            for item in page.get(kind, [])
        ]
        return sorted(found, key=lambda v: (v.key, not v.is_latest, -v.last_modified.timestamp()))

    def holds_anything(self, prefix: str) -> bool:
        """Whether any version of any object is stored under a prefix, hidden ones included."""
        with s3_errors(self.bucket, f"cannot list s3://{self.bucket}/{prefix}"):
            found = self._client.list_object_versions(Bucket=self.bucket, Prefix=prefix, MaxKeys=1)
        return bool(found.get("Versions") or found.get("DeleteMarkers"))

    def server_time(self) -> datetime | None:
        """The time of the store (UTC, whole seconds); None when its answer has no date.

        A refusal has a date too: stores refuse requests of a client whose clock is far off.
        """
        with s3_errors(self.bucket, f"cannot look at bucket {self.bucket}"):
            try:
                return date_of(self._client.head_bucket(Bucket=self.bucket))
            except ClientError as refused:
                if date := date_of(refused.response):
                    return date
                raise

    def counted_requests(self) -> AbstractContextManager[list[str]]:
        """Collect the operations sent to S3 during the block; see ``request_count``."""
        return counted_requests(self._client)

    @property
    def configuration(self) -> BucketConfiguration:
        """How the bucket itself is set up."""
        return BucketConfiguration(self._client, self.bucket)

    def _locked(self) -> Any:
        if self.lock is None:
            return {}
        until = self.lock.retain_until(self.clock())
        return {"ObjectLockMode": self.lock.mode.value, "ObjectLockRetainUntilDate": until}

    def _sent(self, upload: Upload, replaces: ObjectVersion | None, condition: Mapping[str, str]) -> str:
        with s3_errors(self.bucket, f"cannot write {self.uri(upload.key)}"):
            if upload.digest.bytes <= self._multipart_threshold:
                return put_whole(self._client, upload, condition)
            return put_in_parts(self._client, upload, condition, lambda: self._require_current(upload.key, replaces))

    def _require_current(self, key: str, expected: ObjectVersion | None) -> None:
        current = self.head(key)
        if (current and current.version_id) != (expected and expected.version_id):
            raise ConflictError(
                f"cannot write {self.uri(key)}: somebody else wrote it meanwhile", remedy="Run it again", transient=True
            )

    def _download(self, key: str, version_id: str, target: Path) -> None:
        with s3_errors(self.bucket, f"cannot read {self.uri(key)} version {version_id}"):
            response = self._client.get_object(Bucket=self.bucket, Key=key, **_version(version_id))
            with written_locally(target), target.open("wb") as file:
                for chunk in response["Body"].iter_chunks(1024 * 1024):
                    file.write(chunk)
            if target.stat().st_size != response.get("ContentLength"):
                raise StoreError(f"{self.uri(key)} broke off while it was read", transient=True)

    def _pages(self, operation: Any, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        with s3_errors(self.bucket, f"cannot list s3://{self.bucket}/{prefix}"):
            yield from self._client.get_paginator(operation).paginate(Bucket=self.bucket, Prefix=prefix, **more)


def _version(version_id: str | None) -> Any:
    return {"VersionId": version_id} if version_id else {}
