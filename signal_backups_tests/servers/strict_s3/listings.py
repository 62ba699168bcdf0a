"""Listing a bucket, page by page."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from signal_backups_tests.servers.strict_s3.state import Account, Bucket, S3Error, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_KEYS = 1000


def list_objects_v2(
    account: Account,
    *,
    bucket: str,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int = MAX_KEYS,
    continuation_token: str | None = None,
    start_after: str = "",
    encoding_type: str | None = None,
    fetch_owner: bool = False,
) -> dict[str, Any]:
    """Current objects in the order of their keys."""
    if fetch_owner:
        raise S3Error(501, "NotImplemented", "The in-memory S3 has no owners")
    found = account.bucket(bucket)
    after = base64.b64decode(continuation_token).decode() if continuation_token else start_after
    current = ((key, found.versions[key][0]) for key in _keys(found, prefix, after, delimiter))
    page, groups, cut = _page(((k, v) for k, v in current if not v.is_marker), prefix, delimiter, max_keys)
    last = max([version.key for version in page[-1:]] + groups[-1:], default="")
    return {
        "Name": bucket,
        "Prefix": _encoded(prefix, encoding_type),
        "MaxKeys": max_keys,
        "EncodingType": encoding_type,
        "KeyCount": len(page) + len(groups),
        "IsTruncated": cut,
        "NextContinuationToken": base64.b64encode(last.encode()).decode() if cut else None,
        "Contents": [_shown(version, encoding_type) for version in page],
        "CommonPrefixes": [{"Prefix": _encoded(group, encoding_type)} for group in groups],
    }


def list_object_versions(
    account: Account,
    *,
    bucket: str,
    prefix: str = "",
    delimiter: str = "",
    max_keys: int = MAX_KEYS,
    key_marker: str = "",
    version_id_marker: str | None = None,
    encoding_type: str | None = None,
) -> dict[str, Any]:
    """All versions and delete markers in the order of their keys, newest first within a key."""
    found = account.bucket(bucket)
    entries = _versions_after(found, prefix, delimiter, key_marker, version_id_marker)
    page, groups, cut = _page(entries, prefix, delimiter, max_keys)
    last_key = max([version.key for version in page[-1:]] + groups[-1:], default="")
    last_id = page[-1].id if page and page[-1].key == last_key else None
    return {
        "Name": bucket,
        "Prefix": _encoded(prefix, encoding_type),
        "MaxKeys": max_keys,
        "EncodingType": encoding_type,
        "IsTruncated": cut,
        "NextKeyMarker": _encoded(last_key, encoding_type) if cut else None,
        "NextVersionIdMarker": last_id if cut else None,
        "Versions": [
            {**_shown(version, encoding_type), **_identity(found, version)} for version in page if not version.is_marker
        ],
        "DeleteMarkers": [
            {
                "Key": _encoded(version.key, encoding_type),
                "LastModified": version.created,
                **_identity(found, version),
            }
            for version in page
            if version.is_marker
        ],
        "CommonPrefixes": [{"Prefix": _encoded(group, encoding_type)} for group in groups],
    }


def _versions_after(
    bucket: Bucket, prefix: str, delimiter: str, key_marker: str, version_id_marker: str | None
) -> Iterator[tuple[str, Version]]:
    if version_id_marker:
        versions = bucket.versions.get(key_marker, [])
        ids = [version.id for version in versions]
        # The version the last page ended with may have been deleted since.
        rest = versions[ids.index(version_id_marker) + 1 :] if version_id_marker in ids else []
        yield from ((key_marker, version) for version in rest)
    for key in _keys(bucket, prefix, key_marker, delimiter):
        yield from ((key, version) for version in bucket.versions[key])


def _keys(bucket: Bucket, prefix: str, after: str, delimiter: str) -> Iterator[str]:
    keys = bucket.keys
    start = max(bisect_left(keys, prefix), bisect_right(keys, after) if after else 0)
    for index in range(start, len(keys)):
        if not keys[index].startswith(prefix):
            return
        if not after or _group(keys[index], prefix, delimiter) != after:
            yield keys[index]


def _page(
    entries: Iterable[tuple[str, Version]], prefix: str, delimiter: str, max_keys: int
) -> tuple[list[Version], list[str], bool]:
    """Versions, groups of keys, and whether there is more."""
    page: list[Version] = []
    groups: list[str] = []
    limit = min(max_keys, MAX_KEYS)
    for key, version in entries:
        group = _group(key, prefix, delimiter)
        if group is not None and groups and groups[-1] == group:
            continue
        if len(page) + len(groups) == limit:
            return page, groups, limit > 0
        if group is None:
            page.append(version)
        else:
            groups.append(group)
    return page, groups, False


def _group(key: str, prefix: str, delimiter: str) -> str | None:
    end = key.find(delimiter, len(prefix)) if delimiter else -1
    return None if end < 0 else key[: end + len(delimiter)]


def _shown(version: Version, encoding_type: str | None) -> dict[str, Any]:
    return {
        "Key": _encoded(version.key, encoding_type),
        "LastModified": version.created,
        "ETag": version.etag,
        "Size": version.size,
        "StorageClass": version.storage_class,
    }


def _identity(bucket: Bucket, version: Version) -> dict[str, Any]:
    return {"VersionId": version.id, "IsLatest": bucket.versions[version.key][0] is version}


def _encoded(text: str, encoding_type: str | None) -> str:
    return quote(text) if encoding_type == "url" else text
