"""Everything that a simulation of daily backups counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic import BaseModel

from signal_backups.core.base.days import ONE_DAY, days_between, start_of, years_after
from signal_backups.core.s3.lifecycle import Lifecycle
from signal_backups.core.s3.lifecycle_timeline import rules_for
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.prices import Prices
from signal_backups.core.simulation.by_size import SizeFigures, size_figures
from signal_backups.core.simulation.outcomes import (
    BackupOutcome,
    ObjectProtection,
    Scenario,
    ScenarioFigures,
    Shortfall,
    outcomes_of_days,
    scenario_figures,
    shortfalls,
)
from signal_backups.core.vault.layout import BackupSlot, Layout

#: Sizes simulated besides the requested one. Below 128 KB, S3 makes no transition unless the rule filters by size.
SMALL_BYTES, LARGE_BYTES = 20 * 1024, 1024**2
#: Any size below 128 KB: manifests are always smaller.
_MANIFEST_BYTES = 2048
#: Among retentions that start in this many years in a row, every possible length in days occurs.
_YEARS_OF_LEAP_CYCLE = 4


class SimulationFigures(BaseModel, frozen=True):
    """The figures of one simulation.

    Attributes:
        records: number of simulated backups.
        record_bytes: size of each backup.
        retention_years: calendar years each backup must be kept.
        retention_days: fewest and most days of such a retention.
        expire_days: age at which a rule hides a backup; None if no rule does so by age.
        stories: figures by scenario.
        shortfalls: how early untouched backups are hidden, most hours first.
        unlocked: backups whose lock ends before their retention.
        manifests_gone_early: manifests hidden before the retention of their backup ends.
        visible_beyond_days: most days an untouched backup stays visible after its retention; None for ever.
        hidden_beyond_days: most days an untouched backup stays hidden after that; None for ever.
        sizes: figures by backup size; the first is ``record_bytes``.
        fates: outcomes of each backup.
    """

    records: int
    record_bytes: int
    retention_years: int
    retention_days: tuple[int, int]
    expire_days: int | None
    stories: tuple[ScenarioFigures, ...]
    shortfalls: tuple[Shortfall, ...]
    unlocked: int
    manifests_gone_early: int
    visible_beyond_days: float | None
    hidden_beyond_days: float | None
    sizes: tuple[SizeFigures, ...]
    fates: tuple[BackupOutcome, ...]


def figures_of(
    lifecycle: Lifecycle,
    lock: LockPolicy | None,
    *,
    first_day: date,
    years: int,
    retention_years: int,
    record_bytes: int,
    layout: Layout,
    prices: Prices,
) -> SimulationFigures:
    """Simulate one backup a day; the arguments are those of ``run.simulate``."""
    slot = BackupSlot(first_day)
    backup, manifest = layout.backup_key(slot), layout.manifest_key(slot)

    def protection_of(key: str, size: int) -> ObjectProtection:
        return ObjectProtection(rules_for(lifecycle, key, size), lock, retention_years)

    protection = protection_of(backup, record_bytes)
    last_day = years_after(start_of(first_day), years).date() - ONE_DAY
    backups = outcomes_of_days(protection, list(days_between(first_day, last_day)))
    stored_times = [each.stored_at for each in backups]
    sizes = dict.fromkeys([record_bytes, SMALL_BYTES, LARGE_BYTES])
    return SimulationFigures(
        records=len(backups),
        record_bytes=record_bytes,
        retention_years=retention_years,
        retention_days=_retention_days(protection, stored_times[0]),
        expire_days=protection.rules.expire_days,
        stories=tuple(scenario_figures(protection, scenario, backups) for scenario in Scenario),
        shortfalls=tuple(shortfalls(protection, backups)),
        unlocked=sum(not each.is_locked for each in backups),
        manifests_gone_early=_hidden_early(protection_of(manifest, _MANIFEST_BYTES), stored_times),
        visible_beyond_days=_most(_days_visible_beyond(each) for each in backups),
        hidden_beyond_days=_most(_days_hidden_beyond(each) for each in backups),
        sizes=tuple(size_figures(protection_of(backup, size), size, stored_times, prices) for size in sizes),
        fates=tuple(backups),
    )


def _retention_days(protection: ObjectProtection, first: datetime) -> tuple[int, int]:
    starts = [years_after(first, later) for later in range(_YEARS_OF_LEAP_CYCLE)]
    lengths = [(protection.end_of(start) - start).days for start in starts]
    return min(lengths), max(lengths)


def _hidden_early(protection: ObjectProtection, stored_times: Sequence[datetime]) -> int:
    ends = [(protection.untouched(at).hidden_at, protection.end_of(at)) for at in stored_times]
    return sum(hidden_at is not None and hidden_at < end for hidden_at, end in ends)


def _days_visible_beyond(backup: BackupOutcome) -> float | None:
    hidden_at = backup.fates[Scenario.UNTOUCHED].hidden_at
    return None if hidden_at is None else max(0.0, (hidden_at - backup.end) / ONE_DAY)


def _days_hidden_beyond(backup: BackupOutcome) -> float | None:
    untouched = backup.fates[Scenario.UNTOUCHED]
    if untouched.hidden_at is None or untouched.destroyed_at is None:
        return None
    return max(0.0, (untouched.destroyed_at - max(untouched.hidden_at, backup.end)) / ONE_DAY)


def _most(days: Iterable[float | None]) -> float | None:
    longest = 0.0
    for each in days:
        if each is None:
            return None
        longest = max(longest, each)
    return longest
