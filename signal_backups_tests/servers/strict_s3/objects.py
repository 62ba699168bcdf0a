"""Operations on single objects, but for locks (``locks``) and thaws (``thawing``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from signal_backups_tests.servers.strict_s3.lifecycle import expiration_header
from signal_backups_tests.servers.strict_s3.locks import forbid_loss, is_on, lock_of_upload
from signal_backups_tests.servers.strict_s3.rules import WATERFALL
from signal_backups_tests.servers.strict_s3.state import Account, Bucket, S3Error, Version, version_of
from signal_backups_tests.servers.strict_s3.thawing import forbid_archived, restore_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def put_object(
    account: Account,
    *,
    bucket: str,
    key: str,
    body: bytes,
    checksums: Mapping[str, str],
    has_digest: bool,
    metadata: Mapping[str, str],
    content_type: str = "binary/octet-stream",
    storage_class: str = "STANDARD",
    tagging: str = "",
    if_none_match: str | None = None,
    if_match: str | None = None,
    object_lock_mode: str | None = None,
    object_lock_retain_until_date: datetime | None = None,
    object_lock_legal_hold_status: str | None = None,
) -> dict[str, Any]:
    """Store a version; its digests have been checked."""
    found = account.bucket(bucket)
    if storage_class not in WATERFALL:
        raise S3Error(400, "InvalidStorageClass", "The storage class you specified is not valid")
    _check_conditions(found.current(key), if_none_match, if_match)
    held = None if object_lock_legal_hold_status is None else is_on(object_lock_legal_hold_status)
    version = Version(
        key=key,
        # S3 knows no fractions of a second.
        created=account.now.replace(microsecond=0),
        body=body,
        storage_class=storage_class,
        content_type=content_type,
        metadata=metadata,
        checksums=checksums,
        tags=dict(parse_qsl(tagging, keep_blank_values=True)),
        retention=lock_of_upload(
            found,
            account.now,
            object_lock_mode,
            object_lock_retain_until_date,
            held=held is not None,
            has_digest=has_digest,
        ),
        legal_hold=held,
    )
    found.add(version)
    return {
        "ETag": version.etag,
        "VersionId": version.id if found.versioning == "Enabled" else None,
        "Expiration": expiration_header(found, version),
        **_shown_checksums(version),
    }


def head_object(
    account: Account, *, bucket: str, key: str, version_id: str | None = None, checksum_mode: str | None = None
) -> dict[str, Any]:
    """What is known of a version, its bytes apart."""
    found, now = account.bucket(bucket), account.now
    version = version_of(found, key, version_id)
    retention, held = version.retention, version.legal_hold
    return {
        "ContentLength": version.size,
        "ContentType": version.content_type,
        "LastModified": version.created,
        "ETag": version.etag,
        "VersionId": _shown_id(found, version),
        "Metadata": version.metadata,
        "StorageClass": None if version.storage_class == "STANDARD" else version.storage_class,
        "Expiration": expiration_header(found, version),
        "Restore": restore_header(version, now),
        "ObjectLockMode": retention.mode if retention else None,
        "ObjectLockRetainUntilDate": retention.until if retention else None,
        "ObjectLockLegalHoldStatus": None if held is None else "ON" if held else "OFF",
        **(_shown_checksums(version) if checksum_mode == "ENABLED" else {}),
    }


def get_object(
    account: Account, *, bucket: str, key: str, version_id: str | None = None, checksum_mode: str | None = None
) -> dict[str, Any]:
    """A version with its bytes."""
    version = version_of(account.bucket(bucket), key, version_id)
    forbid_archived(version, account.now)
    shown = head_object(account, bucket=bucket, key=key, version_id=version_id, checksum_mode=checksum_mode)
    return {**shown, "Body": version.body}


def delete_object(
    account: Account,
    *,
    bucket: str,
    key: str,
    version_id: str | None = None,
    bypass_governance_retention: bool = False,
) -> dict[str, Any]:
    """Hide a key behind a delete marker, or delete the named version for good."""
    found = account.bucket(bucket)
    if version_id is None:
        marker = found.hide(key, account.now.replace(microsecond=0))
        return {} if marker is None else {"DeleteMarker": True, "VersionId": marker.id}
    version = found.find(key, version_id)
    if version is None:
        return {"VersionId": version_id}
    forbid_loss(version, account.now, bypass=bypass_governance_retention)
    found.remove(version)
    return {"VersionId": version_id, "DeleteMarker": True if version.is_marker else None}


def put_object_tagging(
    account: Account, *, bucket: str, key: str, tagging: Mapping[str, Any], version_id: str | None = None
) -> dict[str, Any]:
    """Replace the tags of a version."""
    found = account.bucket(bucket)
    version = version_of(found, key, version_id)
    version.tags = {tag["Key"]: tag["Value"] for tag in tagging.get("TagSet", [])}
    found.changed.add(key)
    return {"VersionId": _shown_id(found, version)}


def get_object_tagging(account: Account, *, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any]:
    """The tags of a version."""
    found = account.bucket(bucket)
    version = version_of(found, key, version_id)
    tags = [{"Key": name, "Value": value} for name, value in version.tags.items()]
    return {"VersionId": _shown_id(found, version), "TagSet": tags}


def _check_conditions(current: Version | None, if_none_match: str | None, if_match: str | None) -> None:
    is_there = current is not None and not current.is_marker
    if if_none_match not in {None, "*"}:
        raise S3Error(501, "NotImplemented", "Of If-None-Match S3 knows only the asterisk")
    if if_match is not None and not is_there:
        raise S3Error(404, "NoSuchKey", "The specified key does not exist.")
    unlike = if_match is not None and current is not None and if_match.strip('"') != current.etag.strip('"')
    if unlike or (if_none_match is not None and is_there):
        raise S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")


def _shown_id(bucket: Bucket, version: Version) -> str | None:
    return None if bucket.versioning is None else version.id


def _shown_checksums(version: Version) -> dict[str, str]:
    shown = {f"Checksum{algorithm.upper()}": value for algorithm, value in version.checksums.items()}
    return {**shown, "ChecksumType": "FULL_OBJECT"} if shown else {}
