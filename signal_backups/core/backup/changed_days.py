"""Which days the database has changed since their backup, by their fingerprints.

The last days are compared all the time. Every other day has its turn once a month: each night a part of all days, where
the last night ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from signal_backups.core.backup.fingerprint import fingerprint_of_source
from signal_backups.core.base.day_ranges import DayRange
from signal_backups.core.base.days import ONE_DAY, days_between
from signal_backups.core.base.objectives import COMPARISON_NIGHTS
from signal_backups.core.source import SignalSource
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class ChangedDay:
    """A day whose fingerprint in the database is not that of its backup.

    Attributes:
        day: the UTC day.
        backup: the backup's number in the manifest log, else its version id.
        before: the fingerprint in the manifest; None in manifests of earlier releases, which may be the same day.
        now: the fingerprint of the database.
    """

    day: date
    backup: str
    before: str | None
    now: str

    @property
    def name(self) -> str:
        """A name of this change; a change back to an earlier state has another, because a backup lies between."""
        return f"{self.day}/{self.backup}/{self.now}"


@dataclass(frozen=True)
class Comparison:
    """Days compared with the database.

    Attributes:
        days: which.
        changed: those that the database has changed, oldest first.
        without_backup: those that have no backup to compare with, are hidden, or that no genuine manifest vouches for.
    """

    days: DayRange
    changed: Sequence[ChangedDay]
    without_backup: Sequence[date]


def days_of_tonight(first: date, last: date, begin: date | None) -> DayRange:
    """The days whose turn it is: every day has one at least once a month, also while the number of days grows.

    Args:
        first: the first of all days.
        last: the last of all days, included.
        begin: what ``begin_of_next_night`` said the night before; None: the first of all days.
    """
    begin = begin if begin is not None and first <= begin <= last else first
    # One more than the share, because a day is added every night.
    count = ((last - first).days + 1) // COMPARISON_NIGHTS + 1
    return DayRange(begin, min(last, begin + timedelta(days=count - 1)))


def begin_of_next_night(tonight: DayRange, last: date) -> date | None:
    """Where the next night goes on; None: at the first of all days, because all have had their turn."""
    return tonight.last + ONE_DAY if tonight.last < last else None


def compare_with_source(vault: BackupVault, source: SignalSource, days: DayRange) -> Comparison:
    """Compare the fingerprints of some days.

    Raises:
        SourceError: the database cannot be read.
        StoreError: the store cannot be reached.
    """
    stored = vault.stored_days(days.first, days.last)
    changed: list[ChangedDay] = []
    without_backup: list[date] = []
    for day in days_between(days.first, days.last):
        found = stored.get(day)
        if found is None or found.newest is None or found.current is None:
            without_backup.append(day)
            continue
        manifest, now = found.newest, fingerprint_of_source(source, day)
        if now != manifest.fingerprint:
            backup = str(manifest.number or manifest.backup.version_id)
            changed.append(ChangedDay(day, backup, manifest.fingerprint, now))
    return Comparison(days, changed, without_backup)
