"""Writing and reading anchors: tree heads with time stamps, in one bucket or in two.

The hashes of a log show that one entry was changed. Only an anchor shows that a log was rewritten or truncated.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ValidationError

from signal_backups.core.base.errors import ReadBackError, SignalBackupsError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.integrity.anchors.destinations import NO_DESTINATIONS, AnchorDestinations
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, request_timestamp, verify_timestamp
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import JSON_TYPE, S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault


class Anchor(BaseModel, frozen=True, extra="forbid", strict=True):
    """A tree head, as the exact text that is stamped, and its time stamps (none without an authority)."""

    format: Literal[1] = 1
    statement: str
    timestamps: list[Timestamp]

    def to_bytes(self) -> bytes:
        """The anchor as it is stored: indented JSON, ASCII."""
        return (json.dumps(self.model_dump(), indent=2) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, body: bytes) -> Anchor:
        """Read an anchor.

        Raises:
            VerificationError: the bytes are not an anchor.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise VerificationError(f"not an anchor: {error.errors()[0]['msg']}") from error


@dataclass(frozen=True)
class AnchorCopy:
    """A new anchor in one bucket: its version, or the error."""

    uri: str
    version_id: str | None = None
    error: SignalBackupsError | None = None


@dataclass(frozen=True)
class AnchorResult:
    """The result of writing an anchor; ``stamp_error`` is why a requested time stamp is missing."""

    key: str
    anchor: Anchor
    main: AnchorCopy
    second: AnchorCopy | None
    stamp_error: SignalBackupsError | None

    @property
    def errors(self) -> list[SignalBackupsError]:
        """All errors: of the time stamp and of both buckets."""
        copies = [copy.error for copy in (self.main, self.second) if copy is not None]
        return [error for error in (self.stamp_error, *copies) if error is not None]


@dataclass(frozen=True)
class StoredAnchor:
    """An anchor as read from a bucket.

    Attributes:
        uri: its address, for messages.
        key: its key.
        body: its oldest version, the one that was created; None when only a delete marker is left.
        overwritten: whether there is a newer version.
        deleted: whether there is a delete marker.
    """

    uri: str
    key: str
    body: bytes | None
    overwritten: bool
    deleted: bool


def write_anchor(
    vault: BackupVault,
    tree_head: bytes,
    at: datetime,
    destinations: AnchorDestinations = NO_DESTINATIONS,
) -> AnchorResult:
    """Request a time stamp for a tree head, and store both in the vault's bucket and in a second one.

    Each step is tried even if another one fails.

    Args:
        vault: the vault of the logs.
        tree_head: its exact bytes.
        at: when it was made (UTC); part of the key.
        destinations: the authority and the second bucket; with its CA, a time stamp that does not verify is not kept.

    Raises:
        VerificationError: the bytes are not a tree head.
    """
    key = vault.layout.anchor_key(at, TreeHead.from_bytes(tree_head).events.number)
    stamps: list[Timestamp] = []
    stamp_error = None
    if destinations.authority_url is not None:
        try:
            stamps.append(_stamp(destinations.authority_url, tree_head, destinations.ca_pem))
        except SignalBackupsError as error:
            stamp_error = error
    anchor = Anchor(statement=tree_head.decode("ascii"), timestamps=stamps)
    main = _create(vault.store, key, anchor)
    second = _create(destinations.second, key, anchor) if destinations.second else None
    return AnchorResult(key, anchor, main, second, stamp_error)


def read_anchors(store: S3ObjectStore, layout: Layout) -> list[StoredAnchor]:
    """Read all anchors, oldest first, deleted ones included.

    Raises:
        StoreError: the bucket cannot be read.
    """
    versions: dict[str, list[ObjectVersion]] = {}
    for version in store.list_versions(layout.anchor_prefix):
        versions.setdefault(version.key, []).append(version)
    return in_parallel(lambda key: _stored(store, key, versions[key]), versions)


def _stamp(url: str, tree_head: bytes, ca_pem: bytes | None) -> Timestamp:
    token = request_timestamp(url, tree_head)
    if ca_pem is not None:
        # An anchor cannot be changed later: one with a bad stamp would stay a finding forever.
        verify_timestamp(token, tree_head, ca_pem)
    return Timestamp(authority=url, token=base64.b64encode(token).decode("ascii"))


def _create(store: S3ObjectStore, key: str, anchor: Anchor) -> AnchorCopy:
    uri, body = store.uri(key), anchor.to_bytes()
    try:
        version_id = store.create_bytes(key, body, JSON_TYPE)
        if store.get_bytes(key, version_id)[0] != body:
            raise ReadBackError(f"{uri} is not what was sent", remedy="Run it again")
    except SignalBackupsError as error:
        return AnchorCopy(uri, error=error)
    return AnchorCopy(uri, version_id)


def _stored(store: S3ObjectStore, key: str, versions: list[ObjectVersion]) -> StoredAnchor:
    data = [version for version in versions if not version.is_delete_marker]
    return StoredAnchor(
        uri=store.uri(key),
        key=key,
        body=store.get_bytes(key, data[-1].version_id)[0] if data else None,
        overwritten=len(data) > 1,
        deleted=len(data) < len(versions),
    )
