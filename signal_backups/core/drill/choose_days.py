"""Chooses the days that a drill restores: the most recent days, and an older one of each storage class."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from signal_backups.core.s3.thaw import needs_thaw
from signal_backups.core.vault.objects import StoredBackup

#: How many of the last days a drill restores.
RECENT_DAYS = 7


@dataclass(frozen=True)
class DrillChoice:
    """The days to restore, oldest first, and the storage classes that were left out because they need a thaw."""

    days: tuple[date, ...]
    archived_classes: tuple[str, ...]


def choose_drill_days(
    backups: Sequence[StoredBackup],
    last: date,
    recent_days: int,
    rng: random.Random,
    again: Collection[date] = (),
) -> DrillChoice:
    """Choose days from the current backups.

    Args:
        backups: all current backups.
        last: the last complete day.
        recent_days: how many days up to ``last`` are always restored.
        rng: chooses the older days.
        again: days that are restored in any case.
    """
    first_recent = last - timedelta(days=recent_days - 1)
    recent = {backup.slot.day for backup in backups if first_recent <= backup.slot.day <= last}
    older: dict[str, list[date]] = {}
    for backup in backups:
        if backup.slot.day < first_recent:
            older.setdefault(backup.current.storage_class, []).append(backup.slot.day)
    archived = sorted(name for name in older if needs_thaw(name))
    chosen = {rng.choice(sorted(days)) for name, days in sorted(older.items()) if name not in archived}
    return DrillChoice(tuple(sorted({*recent, *chosen, *again})), tuple(archived))
