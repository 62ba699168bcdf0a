"""What a configuration does to records of one size: planned and real moves, restore points outside the RTO, cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.cost.billing import spend
from signal_backups.core.cost.break_even import stays_of
from signal_backups.core.s3.lifecycle import Transition
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.prices import Prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES
from signal_backups.core.s3.thaw import THAW_TERMS, Tier, needs_thaw
from signal_backups.core.simulation.outcomes import Plan

_STANDARD = STORAGE_CLASSES[0].name


class SizeFigures(BaseModel):
    """Records of one size.

    Attributes:
        bytes: the size.
        moves: what happens, ``("STANDARD_IA after 90 days", ...)``.
        blocked: what rules plan and S3 never does.
        restore_points: backups that can be restored on the last simulated day.
        outside_rto: those of them that take longer to thaw than the objective allows.
        slow_classes: the storage classes that do.
        usd: cost of all records, from storing to destroying (to the end of the retention if never destroyed).
        usd_to_end: that part of it that falls into the retention.
        usd_standard: what the retention would cost without any move.
        usd_planned: what the retention would cost if the blocked moves were made as well.
    """

    model_config = ConfigDict(frozen=True)

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
    def never_moves(self) -> bool:
        """Whether moves are planned and none ever happens."""
        return bool(self.blocked) and not self.moves

    @property
    def outside_rto_share(self) -> float:
        """Share of restore points outside the RTO."""
        return self.outside_rto / self.restore_points if self.restore_points else 0.0


def misses_rto(storage_class: str) -> bool:
    """Whether a standard thaw of the class alone may take longer than the recovery time objective."""
    if not needs_thaw(storage_class):
        return False
    return THAW_TERMS[storage_class, Tier.STANDARD].longest_wait.total_seconds() > RTO_OBJECTIVE_S


def size_figures(plan: Plan, size: int, stored: Sequence[datetime], prices: Prices) -> SizeFigures:
    """Simulate untouched backups of one size, stored at these instants, up to the last instant."""
    now = stored[-1]
    timelines = [plan.untouched(at) for at in stored]
    points = [line.class_at(now) for line in timelines if line.hidden_at is None or line.hidden_at > now]
    slow = [name for name in points if misses_rto(name)]
    first, end = timelines[0], plan.end_of(stored[0])
    days = (end - stored[0]).days
    planned = stays_of([*plan.rules.moves, *plan.rules.blocked], days)

    def usd(stays: Sequence[Stay]) -> float:
        return spend(size, stays, prices).usd * len(stored)

    return SizeFigures(
        bytes=size,
        moves=plan.rules.moves,
        blocked=plan.rules.blocked,
        restore_points=len(points),
        outside_rto=len(slow),
        slow_classes=tuple(sorted(set(slow))),
        usd=usd(first.stays(first.destroyed_at or end)),
        usd_to_end=usd(first.stays(end)),
        usd_standard=usd([Stay(_STANDARD, days)]),
        usd_planned=usd(planned),
    )
