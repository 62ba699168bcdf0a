"""Which day should be the first that is backed up: the rule of the alerts and of the repair."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import Clock
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.retention.profile import Profile
from signal_backups.core.vault.vault import BackupVault


def observed(
    vault: BackupVault, profile: Profile, clock: Clock, *, start_date: date, names_start_date: bool
) -> Observation:
    """The days from the start date on that the profile still keeps.

    Args:
        vault: the backups.
        profile: says how long a day is kept.
        clock: the present (UTC).
        start_date: the first partition in Dagster.
        names_start_date: whether the settings name that date. If not, nobody said when signals began, and a day before
            the oldest backup is not missing.
    """
    if not names_start_date:
        found = observe(vault, None, clock, retention_years=profile.retention_years)
        if found.first_day >= start_date:
            return found
    return observe(vault, start_date, clock, retention_years=profile.retention_years)
