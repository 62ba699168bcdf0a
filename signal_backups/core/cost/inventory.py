"""What is stored now: objects and bytes by kind, storage class and version state.

Unfinished uploads are in no listing of versions and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from signal_backups.core.retention.profile import KindsKept
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.storage_classes import storage_class
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout

#: Every version and delete marker, by kind of object.
Listing = Mapping[str, Sequence[ObjectVersion]]


class VersionState(StrEnum):
    """What a version is to its key."""

    CURRENT = "current"
    PREVIOUS = "previous"
    DELETE_MARKER = "delete marker"


class StoredGroup(BaseModel):
    """Versions that are alike.

    Attributes:
        kind: backups, manifests, quarantine or evidence.
        storage_class: S3's name of it.
        state: what they are to their keys.
        objects: how many.
        bytes: their size.
        padding_bytes: what S3 adds on the bill, because it bills a minimum size for each.
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    storage_class: str
    state: VersionState
    objects: int
    bytes: int
    padding_bytes: int


class Inventory(BaseModel):
    """All that is stored."""

    model_config = ConfigDict(frozen=True)

    groups: tuple[StoredGroup, ...]

    @property
    def objects(self) -> int:
        """Versions and delete markers."""
        return sum(group.objects for group in self.groups)

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(group.bytes for group in self.groups)


def list_everything(store: S3ObjectStore, layout: Layout) -> Listing:
    """Every version of the layout's objects, one listing a prefix: a request for each thousand versions."""
    return {
        kind: [version for prefix in layout.prefixes_of(kind) for version in store.list_versions(prefix)]
        for kind in KindsKept.model_fields
    }


def inventory_of(listing: Listing) -> Inventory:
    """Count a listing."""
    groups: dict[tuple[str, str, VersionState], list[ObjectVersion]] = {}
    for kind, versions in listing.items():
        for version in versions:
            groups.setdefault((kind, version.storage_class, _state(version)), []).append(version)
    return Inventory(groups=tuple(_group(*name, groups[name]) for name in sorted(groups)))


def _state(version: ObjectVersion) -> VersionState:
    if version.is_delete_marker:
        return VersionState.DELETE_MARKER
    return VersionState.CURRENT if version.is_latest else VersionState.PREVIOUS


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
