"""Which day should be the first that is backed up; the alerts and the repair share this rule."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import Clock
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.retention.profile import Profile
from signal_backups.core.vault.vault import BackupVault


def observe_expected_days(
    vault: BackupVault, profile: Profile, clock: Clock, *, start_date: date, start_date_is_set: bool
) -> Observation:
    """Observe the days from the start date on that the profile still keeps.

    Args:
        vault: the backups.
        profile: the retention profile.
        clock: the current time (UTC).
        start_date: the first partition in Dagster.
        start_date_is_set: whether the date was set. If not, it is unknown when signals began, and no day before the
            oldest backup is missing.
    """
    if not start_date_is_set:
        found = observe(vault, None, clock, retention_years=profile.retention_years)
        if found.first_day >= start_date:
            return found
    return observe(vault, start_date, clock, retention_years=profile.retention_years)
