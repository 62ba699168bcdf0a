"""The storage classes of S3: order, minimum ages, billed sizes, thawing; the same in every region.

Source: the S3 user guide, "Transitioning objects using Amazon S3 Lifecycle" and "Understanding
and managing Amazon S3 storage classes".
"""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024

#: Below this size S3 transitions nothing by default.
TRANSITION_MINIMUM_BYTES = 128 * KIB


@dataclass(frozen=True)
class StorageClass:
    """One storage class.

    Attributes:
        name: as S3 writes it.
        minimum_age_days: earliest age at which a lifecycle rule may move an object into it.
        minimum_days: days that are billed even if the object leaves earlier.
        minimum_billed_bytes: what a smaller object is billed as.
        overhead_bytes: index data billed at the class's own price, for each object.
        standard_overhead_bytes: index data billed at the price of STANDARD, for each object.
        needs_thaw: whether its objects must be thawed before they can be read.
        takes_small: whether rules may move objects below 128 KiB into it under ``varies_by_storage_class``.
    """

    name: str
    minimum_age_days: int = 0
    minimum_days: int = 0
    minimum_billed_bytes: int = 0
    overhead_bytes: int = 0
    standard_overhead_bytes: int = 0
    needs_thaw: bool = False
    takes_small: bool = False


_SMALLEST_BILLED = 128 * KIB


def _infrequent(name: str) -> StorageClass:
    return StorageClass(name, minimum_age_days=30, minimum_days=30, minimum_billed_bytes=_SMALLEST_BILLED)


def _archive(name: str, minimum_days: int) -> StorageClass:
    return StorageClass(
        name,
        minimum_days=minimum_days,
        overhead_bytes=32 * KIB,
        standard_overhead_bytes=8 * KIB,
        needs_thaw=True,
        takes_small=True,
    )


#: In the order in which lifecycle rules may move objects: only ever further down.
STORAGE_CLASSES = (
    StorageClass("STANDARD"),
    _infrequent("STANDARD_IA"),
    StorageClass("INTELLIGENT_TIERING"),
    _infrequent("ONEZONE_IA"),
    StorageClass("GLACIER_IR", minimum_days=90, minimum_billed_bytes=_SMALLEST_BILLED),
    _archive("GLACIER", minimum_days=90),
    _archive("DEEP_ARCHIVE", minimum_days=180),
)

_BY_NAME = {each.name: each for each in STORAGE_CLASSES}
_RANK = {each.name: rank for rank, each in enumerate(STORAGE_CLASSES)}

#: Classes that an IA object may enter only this many days after it entered IA.
DAYS_IN_IA_BEFORE_ARCHIVE = 30


def storage_class(name: str) -> StorageClass | None:
    """The class of that name; None for one that S3 does not have."""
    return _BY_NAME.get(name)


def colder(one: str, other: str) -> bool:
    """Whether a rule may move objects from ``other`` down into ``one``; both must be known."""
    return _RANK[one] > _RANK[other]
