"""What S3 bills: bytes with minimum sizes and overhead, days with minimum durations, and transition requests.

S3 bills from the date at which a rule is due, even if it acts later.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, computed_field

from signal_backups.core.cost.inventory import Inventory, StoredGroup, VersionState
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.prices import BYTES_PER_GB, DAYS_PER_MONTH, Prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES, storage_class

_STANDARD = STORAGE_CLASSES[0]


class Spend(BaseModel, frozen=True):
    """The cost of one object until it is destroyed, in US dollars."""

    storage_usd: float
    transitions_usd: float

    @property
    def usd(self) -> float:
        """Storage and transitions."""
        return self.storage_usd + self.transitions_usd


class BilledGroup(BaseModel, frozen=True):
    """A group of stored versions and what S3 bills for it."""

    stored: StoredGroup
    billed_bytes: int
    usd_per_month: float


class Bill(BaseModel, frozen=True):
    """What S3 bills for a month in which nothing changes."""

    groups: tuple[BilledGroup, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def usd_per_month(self) -> float:
        """US dollars a month for all groups."""
        return sum(group.usd_per_month for group in self.groups)


def usd_per_month(size: int, storage_class_name: str, prices: Prices) -> float:
    """US dollars a month for one object; a storage class that S3 does not have is billed as STANDARD."""
    known = storage_class(storage_class_name) or _STANDARD
    return _usd_per_month(max(size, known.minimum_billed_bytes), 1, storage_class_name, prices)


def spend(size: int, stays: Sequence[Stay], prices: Prices) -> Spend:
    """The cost of one object over its stays in storage classes, each billed for at least the minimum days."""
    return Spend(
        storage_usd=sum(
            usd_per_month(size, stay.storage_class, prices) * _billed_days(stay) / DAYS_PER_MONTH for stay in stays
        ),
        transitions_usd=sum(transition_usd(stay.storage_class, prices) for stay in stays[1:]),
    )


def transition_usd(storage_class_name: str, prices: Prices) -> float:
    """US dollars for one lifecycle transition into a storage class."""
    return prices.of_class(storage_class_name).move_per_1000 / 1000


def put_usd(prices: Prices) -> float:
    """US dollars for one PUT request."""
    return prices.prices.put_per_1000 / 1000


def unused_minimum_days(stay: Stay) -> float:
    """Days that are billed after an object left a storage class before its minimum days."""
    return _billed_days(stay) - stay.days


def bill(inventory: Inventory, prices: Prices) -> Bill:
    """What S3 bills a month for what is stored. Delete markers count as free: S3 bills only their names."""
    return Bill(groups=tuple(_billed(group, prices) for group in inventory.groups))


def _billed(group: StoredGroup, prices: Prices) -> BilledGroup:
    if group.state is VersionState.DELETE_MARKER:
        return BilledGroup(stored=group, billed_bytes=0, usd_per_month=0.0)
    known = storage_class(group.storage_class) or _STANDARD
    padded = group.bytes + group.padding_bytes
    return BilledGroup(
        stored=group,
        billed_bytes=padded + group.objects * (known.overhead_bytes + known.standard_overhead_bytes),
        usd_per_month=_usd_per_month(padded, group.objects, group.storage_class, prices),
    )


def _usd_per_month(padded_bytes: int, objects: int, name: str, prices: Prices) -> float:
    known = storage_class(name) or _STANDARD
    own = (padded_bytes + objects * known.overhead_bytes) * prices.of_class(name).gb_month
    standard = objects * known.standard_overhead_bytes * prices.of_class(_STANDARD.name).gb_month
    return (own + standard) / BYTES_PER_GB


def _billed_days(stay: Stay) -> float:
    known = storage_class(stay.storage_class) or _STANDARD
    return max(stay.days, known.minimum_days)
