"""One stored version of an object, as S3's answers describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from signal_backups.core.base.errors import StoreError
from signal_backups.core.s3.object_lock import ObjectLock

#: Version id that stores give objects of a bucket without versioning.
UNVERSIONED = "null"


@dataclass(frozen=True)
class ObjectVersion:
    """One stored version of an object, as a listing or a head shows it.

    Only the answer to a HEAD shows these: ``restore_header`` says how far the thaw of an archived version is,
    ``expiration_header`` when S3 will expire it, both in S3's own format; ``lock`` is its Object Lock, as far as we may
    see it; ``metadata`` is the user metadata.
    """

    key: str
    version_id: str
    size: int
    last_modified: datetime
    etag: str
    is_latest: bool = True
    is_delete_marker: bool = False
    storage_class: str = "STANDARD"
    # Two versions are the same whatever these say.
    restore_header: str | None = field(default=None, compare=False)
    expiration_header: str | None = field(default=None, compare=False)
    lock: ObjectLock | None = field(default=None, compare=False)
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def hides(self) -> bool:
        """Of the first version that a listing shows of a key: whether a plain GET finds nothing."""
        return self.is_delete_marker or not self.is_latest

    @classmethod
    def from_head(cls, key: str, answer: Any) -> ObjectVersion:
        """Read the answer to a HEAD of an object.

        Raises:
            StoreError: it lacks what every store says of an object.
        """
        _require(f"cannot look at {key}", answer, "ContentLength", "LastModified", "ETag")
        return cls(
            key=key,
            version_id=answer.get("VersionId", UNVERSIONED),
            size=answer["ContentLength"],
            last_modified=answer["LastModified"].astimezone(UTC),
            etag=answer["ETag"],
            storage_class=answer.get("StorageClass", "STANDARD"),
            restore_header=answer.get("Restore"),
            expiration_header=answer.get("Expiration"),
            lock=_lock(answer),
            metadata=answer["Metadata"],
        )

    @classmethod
    def from_listing(cls, item: Any, *, is_delete_marker: bool = False) -> ObjectVersion:
        """Read one item of a listing of versions.

        Raises:
            StoreError: it lacks what every store says of a version.
        """
        _require(f"cannot list {item.get('Key', 'an object')}", item, "Key", "VersionId", "LastModified", "IsLatest")
        return cls(
            key=item["Key"],
            version_id=item["VersionId"],
            size=item.get("Size", 0),
            last_modified=item["LastModified"].astimezone(UTC),
            etag=item.get("ETag", ""),
            is_latest=item["IsLatest"],
            is_delete_marker=is_delete_marker,
            storage_class=item.get("StorageClass", "STANDARD"),
        )


def _require(doing: str, answer: Any, *names: str) -> None:
    missing = [name for name in names if name not in answer]
    if missing:
        raise StoreError(
            f"{doing}: the answer lacks {', '.join(missing)}",
            remedy="Check that AWS_ENDPOINT_URL_S3 is the S3 store, and what stands between",
            transient=True,
        )


def _lock(head: Any) -> ObjectLock:
    until = head.get("ObjectLockRetainUntilDate")
    return ObjectLock(
        mode=head.get("ObjectLockMode"),
        retain_until=until.astimezone(UTC) if until else None,
        legal_hold=head.get("ObjectLockLegalHoldStatus") == "ON",
    )
