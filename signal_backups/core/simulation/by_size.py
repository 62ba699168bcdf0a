"""Figures of backups of one size: planned and actual transitions, restore points outside the RTO, cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.cost.billing import spend
from signal_backups.core.cost.break_even import stays_of
from signal_backups.core.s3.lifecycle import Transition
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.prices import Prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES
from signal_backups.core.s3.thaw import THAW_TERMS, Tier, needs_thaw
from signal_backups.core.simulation.outcomes import ObjectProtection

_STANDARD = STORAGE_CLASSES[0].name


class SizeFigures(BaseModel, frozen=True):
    """Figures of backups of one size.

    Attributes:
        bytes: size of each backup.
        moves: transitions that happen.
        blocked: transitions that the rules plan and S3 never makes, because the objects are too small.
        restore_points: backups that can be restored on the last simulated day.
        outside_rto: restore points that take longer to thaw than the RTO allows.
        slow_classes: storage classes of the restore points outside the RTO.
        usd: cost of all backups until they are destroyed (until their retention ends if they never are).
        usd_to_end: cost of all backups until their retention ends.
        usd_standard: ``usd_to_end`` without any transition.
        usd_planned: ``usd_to_end`` if the blocked transitions happened too.
    """

    bytes: int
    moves: tuple[Transition, ...]
    blocked: tuple[Transition, ...]
    restore_points: int
    outside_rto: int
    slow_classes: tuple[str, ...]
    usd: float
    usd_to_end: float
    usd_standard: float
    usd_planned: float

    @property
    def never_transitions(self) -> bool:
        """Whether transitions are planned and none happens."""
        return bool(self.blocked) and not self.moves

    @property
    def outside_rto_share(self) -> float:
        """Fraction of the restore points outside the RTO, 0 to 1."""
        return self.outside_rto / self.restore_points if self.restore_points else 0.0


def misses_rto(storage_class: str) -> bool:
    """Whether a thaw at the Standard tier may take longer than the recovery time objective."""
    if not needs_thaw(storage_class):
        return False
    return THAW_TERMS[storage_class, Tier.STANDARD].longest_wait.total_seconds() > RTO_OBJECTIVE_S


def size_figures(
    protection: ObjectProtection, size: int, stored_times: Sequence[datetime], prices: Prices
) -> SizeFigures:
    """Simulate untouched backups of one size, one per time of storing (UTC, ascending), until the last of them."""
    now = stored_times[-1]
    timelines = [protection.untouched(at) for at in stored_times]
    restore_points = [line.class_at(now) for line in timelines if line.hidden_at is None or line.hidden_at > now]
    slow = [name for name in restore_points if misses_rto(name)]
    first, end = timelines[0], protection.end_of(stored_times[0])
    days = (end - stored_times[0]).days
    rules = protection.rules

    def usd(stays: Sequence[Stay]) -> float:
        return spend(size, stays, prices).usd * len(stored_times)

    return SizeFigures(
        bytes=size,
        moves=rules.transitions,
        blocked=rules.blocked,
        restore_points=len(restore_points),
        outside_rto=len(slow),
        slow_classes=tuple(sorted(set(slow))),
        usd=usd(first.stays(first.destroyed_at or end)),
        usd_to_end=usd(first.stays(end)),
        usd_standard=usd([Stay(_STANDARD, days)]),
        usd_planned=usd(stays_of([*rules.transitions, *rules.blocked], days)),
    )
