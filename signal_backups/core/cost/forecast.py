"""Forecasts the cost of the backups from the measured daily growth, for one lifecycle configuration.

Every day adds a backup and its manifest, and each is billed by its age until it is destroyed. Stored backups count as
if they had always been under that configuration, so that configurations can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from statistics import median

from pydantic import BaseModel, computed_field

from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.cost.billing import put_usd, transition_usd, unused_minimum_days, usd_per_month
from signal_backups.core.cost.inventory import Listing
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.lifecycle_timeline import Timeline, rules_for
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.prices import DAYS_PER_MONTH, Prices
from signal_backups.core.vault.layout import BackupSlot, Layout

#: Growth is the median of the newest backups, at most the first number; with fewer than the second there is a note.
MOST_DAYS_MEASURED, FEWEST_DAYS_MEASURED = 90, 30
MONTHS_PER_YEAR = 12


class DailyGrowth(BaseModel, frozen=True):
    """What each day adds.

    Attributes:
        backup_bytes: median size of the newest backups.
        manifest_bytes: median size of the newest manifests.
        measured_days: number of backups in the median.
        stored_days: number of all backups.
    """

    backup_bytes: int
    manifest_bytes: int
    measured_days: int
    stored_days: int

    @property
    def bytes(self) -> int:
        """Bytes that a day adds."""
        return self.backup_bytes + self.manifest_bytes

    @property
    def note(self) -> str | None:
        """A note if too few backups were measured; else None."""
        if self.measured_days >= FEWEST_DAYS_MEASURED:
            return None
        return f"growth is measured on {self.measured_days} backups only, fewer than {FEWEST_DAYS_MEASURED}"


class MonthCost(BaseModel, frozen=True):
    """The cost of a twelfth of a year in US dollars, and the bytes stored at its end."""

    month: int
    storage_usd: float
    requests_usd: float
    bytes: int

    @property
    def usd(self) -> float:
        """Storage and requests."""
        return self.storage_usd + self.requests_usd


class Forecast(BaseModel, frozen=True):
    """The cost of the coming months; month 1 is the first."""

    name: str
    months: tuple[MonthCost, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def total_usd(self) -> float:
        """Cost of all months."""
        return sum(month.usd for month in self.months)

    @property
    def years(self) -> list[float]:
        """Cost of each year."""
        costs = [month.usd for month in self.months]
        return [sum(costs[at : at + MONTHS_PER_YEAR]) for at in range(0, len(costs), MONTHS_PER_YEAR)]


def measured_growth(listing: Listing, layout: Layout) -> DailyGrowth | None:
    """The daily growth, measured on the newest current backups; None without backups."""
    backups = _newest_sizes(listing["backups"], layout.slot_of)
    manifests = _newest_sizes(listing["manifests"], layout.slot_of_manifest)
    if not backups:
        return None
    return DailyGrowth(
        backup_bytes=_median(backups),
        manifest_bytes=_median(manifests),
        measured_days=min(len(backups), MOST_DAYS_MEASURED),
        stored_days=len(backups),
    )


def forecast(
    name: str,
    lifecycle: Lifecycle,
    growth: DailyGrowth,
    prices: Prices,
    *,
    layout: Layout,
    start: datetime,
    years: int,
    locked_until: datetime | None = None,
) -> Forecast:
    """The cost of every month from a start on.

    Args:
        name: name of the configuration, for the report.
        lifecycle: the configuration.
        growth: what each day adds, and the number of stored days.
        prices: the prices to use.
        layout: where the backups are in the bucket.
        start: when the first backup of the forecast is stored, UTC.
        years: calendar years to forecast.
        locked_until: end of the lock of a backup stored at ``start``; None for no lock.
    """
    slot, ends = BackupSlot(start.date() - ONE_DAY), _month_ends(years)
    horizon = growth.stored_days + ends[-1]
    objects = [(layout.backup_key(slot), growth.backup_bytes)]
    if growth.manifest_bytes:
        objects.append((layout.manifest_key(slot), growth.manifest_bytes))
    costs = [
        _by_age(size, rules_for(lifecycle, key, size).timeline(start, lock_until=locked_until), horizon, prices)
        for key, size in objects
    ]
    stock = _Stock(costs, growth.stored_days)
    begins = [0, *ends[:-1]]
    return Forecast(
        name=name,
        months=tuple(stock.month(number, *days) for number, days in enumerate(zip(begins, ends, strict=True), 1)),
    )


@dataclass(frozen=True)
class _DayCost:
    """What one object costs and how many bytes it has on one day of its life."""

    storage_usd: float = 0.0
    requests_usd: float = 0.0
    bytes: int = 0

    def __add__(self, other: _DayCost) -> _DayCost:
        return _DayCost(
            self.storage_usd + other.storage_usd, self.requests_usd + other.requests_usd, self.bytes + other.bytes
        )


class _Stock:
    """One backup and manifest of each age; the cost of a day is the sum over the ages that exist by then."""

    def __init__(self, costs: Sequence[Sequence[_DayCost]], stored_days: int) -> None:
        by_age = [sum(same_age, _DayCost()) for same_age in zip(*costs, strict=True)]
        self._up_to_age = list(accumulate(by_age))
        self._stored_days = stored_days

    def month(self, number: int, begin: int, end: int) -> MonthCost:
        days = [self._up_to_age[self._stored_days + day] for day in range(begin, end)]
        # Months of 30 and 31 days cost the same, so that a chart does not show the calendar.
        scale = DAYS_PER_MONTH / len(days)
        return MonthCost(
            month=number,
            storage_usd=sum(day.storage_usd for day in days) * scale,
            requests_usd=sum(day.requests_usd for day in days) * scale,
            bytes=days[-1].bytes,
        )


def _by_age(size: int, timeline: Timeline, days: int, prices: Prices) -> list[_DayCost]:
    entries = [_DayCost() for _ in range(days)]
    begin, stays = 0, timeline.stays(timeline.stored_at + timedelta(days=days))
    for number, stay in enumerate(stays):
        end = min(days, begin + round(stay.days))
        daily = usd_per_month(size, stay.storage_class, prices) / DAYS_PER_MONTH
        entries[begin:end] = [_DayCost(daily, 0.0, size)] * (end - begin)
        request = transition_usd(stay.storage_class, prices) if number else put_usd(prices)
        if begin < end:
            entries[begin] += _DayCost(0.0, request)
        if begin < end < days:
            entries[end - 1] += _DayCost(daily * unused_minimum_days(stay))
        begin = end
    return entries


def _month_ends(years: int) -> list[int]:
    return [round(DAYS_PER_MONTH * month) for month in range(1, years * MONTHS_PER_YEAR + 1)]


def _newest_sizes(versions: Sequence[ObjectVersion], slot_of: Callable[[str], BackupSlot | None]) -> list[int]:
    current = [version for version in versions if version.is_latest and not version.is_delete_marker]
    sizes = {slot: version.size for version in current if (slot := slot_of(version.key))}
    return [sizes[slot] for slot in sorted(sizes, reverse=True)]


def _median(newest_first: Sequence[int]) -> int:
    return round(median(newest_first[:MOST_DAYS_MEASURED])) if newest_first else 0
