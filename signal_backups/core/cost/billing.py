"""What S3 bills: bytes with minimum sizes and overhead, days with minimum durations, moves by the request.

Billing follows the date a rule gives, not the day S3 gets round to it.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, computed_field

from signal_backups.core.cost.inventory import Inventory, StoredGroup, VersionState
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.prices import BYTES_PER_GB, DAYS_PER_MONTH, Prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES, storage_class

_STANDARD = STORAGE_CLASSES[0]


class Spend(BaseModel):
    """US dollars for one object over its life."""

    model_config = ConfigDict(frozen=True)

    storage_usd: float
    moves_usd: float

    @property
    def usd(self) -> float:
        """The whole of it."""
        return self.storage_usd + self.moves_usd


class BilledGroup(BaseModel):
    """A group of stored versions and what S3 bills for it; dollars a month."""

    model_config = ConfigDict(frozen=True)

    stored: StoredGroup
    billed_bytes: int
    usd_per_month: float


class Bill(BaseModel):
    """What S3 bills a month for a stock that stays as it is."""

    model_config = ConfigDict(frozen=True)

    groups: tuple[BilledGroup, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def usd_per_month(self) -> float:
        """All of it."""
        return sum(group.usd_per_month for group in self.groups)


def usd_per_month(size: int, storage_class_name: str, prices: Prices) -> float:
    """What one object of that size costs a month in a class; one that S3 does not have is billed as STANDARD."""
    known = storage_class(storage_class_name) or _STANDARD
    return _usd_per_month(max(size, known.minimum_billed_bytes), 1, storage_class_name, prices)


def spend(size: int, stays: Sequence[Stay], prices: Prices) -> Spend:
    """What one object costs over its stays; leaving a class before its minimum days is billed as staying for them."""
    return Spend(
        storage_usd=sum(
            usd_per_month(size, stay.storage_class, prices) * _billed_days(stay) / DAYS_PER_MONTH for stay in stays
        ),
        moves_usd=sum(move_usd(stay.storage_class, prices) for stay in stays[1:]),
    )


def move_usd(storage_class_name: str, prices: Prices) -> float:
    """What one lifecycle move into a class costs."""
    return prices.of_class(storage_class_name).move_per_1000 / 1000


def put_usd(prices: Prices) -> float:
    """What one write costs."""
    return prices.prices.put_per_1000 / 1000


def early_leave_days(stay: Stay) -> float:
    """Days billed beyond those that were spent, because a class has a minimum."""
    return _billed_days(stay) - stay.days


def bill(inventory: Inventory, prices: Prices) -> Bill:
    """What S3 bills a month for what is stored; delete markers are billed for their names alone: nothing here."""
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
