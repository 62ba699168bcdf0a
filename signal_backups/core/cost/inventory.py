"""What is stored now: objects and bytes by kind, storage class and version state.

Unfinished uploads are not in a listing of versions, so they are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel

from signal_backups.core.retention.profile import KindsKept
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.storage_classes import storage_class
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout

#: Every version and delete marker, by kind of object.
Listing = Mapping[str, Sequence[ObjectVersion]]


class VersionState(StrEnum):
    """What a version is to its object; the values are stored names."""

    CURRENT = "current"
    NONCURRENT = "previous"
    DELETE_MARKER = "delete marker"


class StoredGroup(BaseModel, frozen=True):
    """Versions of the same kind, storage class and state.

    Attributes:
        kind: backups, manifests, quarantine or evidence.
        storage_class: S3's name of the storage class.
        state: current, noncurrent or delete marker.
        objects: number of versions.
        bytes: size of all versions.
        padding_bytes: bytes that S3 bills in addition, because it bills a minimum size for each version.
    """

    kind: str
    storage_class: str
    state: VersionState
    objects: int
    bytes: int
    padding_bytes: int


class Inventory(BaseModel, frozen=True):
    """Everything that is stored."""

    groups: tuple[StoredGroup, ...]

    @property
    def objects(self) -> int:
        """Number of versions and delete markers."""
        return sum(group.objects for group in self.groups)

    @property
    def bytes(self) -> int:
        """Size of all versions."""
        return sum(group.bytes for group in self.groups)


def list_everything(store: S3ObjectStore, layout: Layout) -> Listing:
    """Every version and delete marker of the layout, by kind; one request for each thousand of them."""
    return {
        kind: [version for prefix in layout.prefixes_of(kind) for version in store.list_versions(prefix)]
        for kind in KindsKept.model_fields
    }


def inventory_of(listing: Listing) -> Inventory:
    """The inventory of a listing."""
    groups: dict[tuple[str, str, VersionState], list[ObjectVersion]] = {}
    for kind, versions in listing.items():
        for version in versions:
            groups.setdefault((kind, version.storage_class, _state(version)), []).append(version)
    return Inventory(groups=tuple(_group(*group, groups[group]) for group in sorted(groups)))


def _state(version: ObjectVersion) -> VersionState:
    if version.is_delete_marker:
        return VersionState.DELETE_MARKER
    return VersionState.CURRENT if version.is_latest else VersionState.NONCURRENT


def _group(kind: str, name: str, state: VersionState, versions: Iterable[ObjectVersion]) -> StoredGroup:
    sizes = [version.size for version in versions]
    known = storage_class(name)
    minimum = known.minimum_billed_bytes if known else 0
    return StoredGroup(
        kind=kind,
        storage_class=name,
        state=state,
        objects=len(sizes),
        bytes=sum(sizes),
        padding_bytes=sum(max(0, minimum - size) for size in sizes),
    )
