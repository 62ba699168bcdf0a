"""A configuration simulated over years of days: all figures, without judgement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.days import ONE_DAY, days_between, start_of, years_after
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.lifecycle_timeline import rules_for
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.prices import Prices
from signal_backups.core.simulation.by_size import SizeFigures, size_figures
from signal_backups.core.simulation.outcomes import (
    BackupOutcome,
    Plan,
    Scenario,
    Shortfall,
    StoryFigures,
    figures_of,
    play_records,
    shortfalls,
)
from signal_backups.core.vault.layout import BackupSlot, Layout

#: Besides the requested size: one that S3 moves only by a rule with a size, and one that it always moves.
SMALL_BYTES, LARGE_BYTES = 20 * 1024, 1024**2
#: Manifests are never larger than what S3 moves only by a rule with a size.
_MANIFEST_BYTES = 2048
#: Leap years fall so that among so many years in a row every length of a retention occurs.
_YEARS_OF_LEAP_CYCLE = 4


class Played(BaseModel):
    """All figures.

    Attributes:
        records: how many were simulated.
        record_bytes: their size.
        retention_years: calendar years each must be kept.
        retention_days: the same in days, fewest and most.
        expire_days: age at which rules hide a record; None for never, or at a date.
        stories: the figures of each scenario.
        shortfalls: how early untouched records are hidden, most hours first.
        unlocked: records whose lock does not last until their end.
        manifests_gone_early: manifests hidden before the end of what they describe.
        visible_beyond_days: most days an untouched record stays visible beyond its end; None for ever.
        hidden_beyond_days: most days its bytes are then still there, hidden; None for ever.
        sizes: moves, restore points and cost by record size; the first is ``record_bytes``.
        fates: each backup.
    """

    model_config = ConfigDict(frozen=True)

    records: int
    record_bytes: int
    retention_years: int
    retention_days: tuple[int, int]
    expire_days: int | None
    stories: tuple[StoryFigures, ...]
    shortfalls: tuple[Shortfall, ...]
    unlocked: int
    manifests_gone_early: int
    visible_beyond_days: float | None
    hidden_beyond_days: float | None
    sizes: tuple[SizeFigures, ...]
    fates: tuple[BackupOutcome, ...]


def play(
    lifecycle: Lifecycle,
    lock: LockPolicy | None,
    *,
    first_day: date,
    years: int,
    retention_years: int,
    record_bytes: int,
    layout: Layout,
    prices: Prices,
) -> Played:
    """Play one backup a day; the arguments are those of ``simulation.simulate``."""
    slot = BackupSlot(first_day)
    backup, manifest = layout.backup_key(slot), layout.manifest_key(slot)

    def plan(key: str, size: int) -> Plan:
        return Plan(rules_for(lifecycle, key, size), lock, retention_years)

    asked = plan(backup, record_bytes)
    last_day = years_after(start_of(first_day), years).date() - ONE_DAY
    records = play_records(asked, list(days_between(first_day, last_day)))
    stored = [record.stored_at for record in records]
    sizes = dict.fromkeys([record_bytes, SMALL_BYTES, LARGE_BYTES])
    return Played(
        records=len(records),
        record_bytes=record_bytes,
        retention_years=retention_years,
        retention_days=_retention_days(asked, stored[0]),
        expire_days=asked.rules.expire_days,
        stories=tuple(figures_of(asked, scenario, records) for scenario in Scenario),
        shortfalls=tuple(shortfalls(asked, records)),
        unlocked=sum(not record.is_locked for record in records),
        manifests_gone_early=_hidden_early(plan(manifest, _MANIFEST_BYTES), stored),
        visible_beyond_days=_most(_days_visible_beyond(record) for record in records),
        hidden_beyond_days=_most(_days_hidden_beyond(record) for record in records),
        sizes=tuple(size_figures(plan(backup, size), size, stored, prices) for size in sizes),
        fates=tuple(records),
    )


def _retention_days(plan: Plan, first: datetime) -> tuple[int, int]:
    starts = [years_after(first, later) for later in range(_YEARS_OF_LEAP_CYCLE)]
    lengths = [(plan.end_of(start) - start).days for start in starts]
    return min(lengths), max(lengths)


def _hidden_early(plan: Plan, stored: Sequence[datetime]) -> int:
    hidden = [(plan.untouched(at).hidden_at, plan.end_of(at)) for at in stored]
    return sum(at is not None and at < end for at, end in hidden)


def _days_visible_beyond(record: BackupOutcome) -> float | None:
    hidden_at = record.fates[Scenario.UNTOUCHED].hidden_at
    return None if hidden_at is None else max(0.0, (hidden_at - record.end) / ONE_DAY)


def _days_hidden_beyond(record: BackupOutcome) -> float | None:
    untouched = record.fates[Scenario.UNTOUCHED]
    if untouched.hidden_at is None or untouched.destroyed_at is None:
        return None
    return max(0.0, (untouched.destroyed_at - max(untouched.hidden_at, record.end)) / ONE_DAY)


def _most(days: Iterable[float | None]) -> float | None:
    longest = 0.0
    for each in days:
        if each is None:
            return None
        longest = max(longest, each)
    return longest
