"""What S3 holds: buckets, and the versions of every key."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from signal_backups_tests.servers.strict_s3.rules import Rule

NULL_VERSION = "null"
DEFAULT_MINIMUM = "all_storage_classes_128K"


class S3Error(Exception):
    """An error answer of S3."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass(frozen=True)
class Retention:
    """The retention of a version: its mode, and until when (UTC) it must not be deleted."""

    mode: str
    until: datetime


@dataclass(frozen=True)
class Thaw:
    """A readable copy of an archived version: its tier, readable from and until when (UTC)."""

    tier: str
    ready: datetime
    expires: datetime


@dataclass(eq=False)
class Version:
    """One version of an object, or a delete marker."""

    key: str
    created: datetime
    body: bytes = b""
    is_marker: bool = False
    id: str = NULL_VERSION
    storage_class: str = "STANDARD"
    content_type: str = "binary/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    retention: Retention | None = None
    legal_hold: bool | None = None
    thaw: Thaw | None = None

    def __post_init__(self) -> None:
        self.size = len(self.body)
        self.etag = f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass
class Bucket:
    """One bucket.

    Attributes:
        keys: the keys with a version or delete marker, sorted.
        versions: by key, newest first; a key without any has no entry.
        agenda: a heap of when (UTC) lifecycle rules are due for which key.
        changed: the keys whose entry in ``agenda`` is out of date.
    """

    name: str
    versioning: str | None = None
    lock_enabled: bool = False
    default_retention: Mapping[str, Any] | None = None
    lifecycle: list[dict[str, Any]] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    minimum_size: str = DEFAULT_MINIMUM
    public_access_block: dict[str, Any] | None = None
    keys: list[str] = field(default_factory=list)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    agenda: list[tuple[datetime, str]] = field(default_factory=list)
    _ids: count[int] = field(default_factory=count)

    def current(self, key: str) -> Version | None:
        """The newest version of a key, be it a delete marker."""
        versions = self.versions.get(key)
        return versions[0] if versions else None

    def find(self, key: str, version_id: str) -> Version | None:
        """A version by its id."""
        return next((version for version in self.versions.get(key, []) if version.id == version_id), None)

    def add(self, version: Version) -> None:
        """Make a version the current one; without versioning it takes the place of the one without an id."""
        if self.versioning == "Enabled":
            # As on AWS, the order of ids says nothing about the order of versions.
            seed = f"{self.name}/{version.key}/{next(self._ids)}"
            version.id = hashlib.sha256(seed.encode()).hexdigest()[:32]
        elif (replaced := self.find(version.key, NULL_VERSION)) is not None:
            self.remove(replaced)
        if version.key not in self.versions:
            insort(self.keys, version.key)
        self.versions.setdefault(version.key, []).insert(0, version)
        self.changed.add(version.key)

    def remove(self, version: Version) -> None:
        """Remove a version for good."""
        versions = self.versions[version.key]
        versions.remove(version)
        if not versions:
            del self.versions[version.key]
            del self.keys[bisect_left(self.keys, version.key)]
        self.changed.add(version.key)

    def hide(self, key: str, now: datetime) -> Version | None:
        """Delete a key as a plain DELETE does: a delete marker, or for good without versioning; returns the marker."""
        if self.versioning is None:
            if (current := self.current(key)) is not None:
                self.remove(current)
            return None
        marker = Version(key=key, created=now, is_marker=True)
        self.add(marker)
        return marker


@dataclass
class Account:
    """All buckets, and the present instant (UTC)."""

    now: datetime
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def bucket(self, name: str) -> Bucket:
        """A bucket by its name.

        Raises:
            S3Error: there is none.
        """
        if name not in self.buckets:
            raise S3Error(404, "NoSuchBucket", "The specified bucket does not exist")
        return self.buckets[name]


def version_of(bucket: Bucket, key: str, version_id: str | None) -> Version:
    """The named version, or the current one; never a delete marker.

    Raises:
        S3Error: there is none, or it is a delete marker.
    """
    version = bucket.current(key) if version_id is None else bucket.find(key, version_id)
    if version is None:
        code = "NoSuchKey" if version_id is None else "NoSuchVersion"
        raise S3Error(404, code, "The specified key or version does not exist.")
    if version.is_marker:
        marked = {"x-amz-delete-marker": "true", "x-amz-version-id": version.id}
        if version_id is None:
            raise S3Error(404, "NoSuchKey", "The specified key does not exist.", marked)
        raise S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", marked)
    return version
