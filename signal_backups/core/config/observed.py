"""The one rule for which day should be first, for status, alerts, repair, metrics, doctor and audit."""

from __future__ import annotations

from signal_backups.core.base.days import Clock
from signal_backups.core.config.settings import load_settings
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.retention.profile import Profile
from signal_backups.core.vault.vault import BackupVault


def observed(vault: BackupVault, profile: Profile, clock: Clock) -> Observation:
    """The days that Dagster has partitions for and the profile still keeps.

    Without a start date nobody said when signals began: a day before the oldest backup is not missed then.
    """
    settings = load_settings()
    if not settings.names_start_date:
        found = observe(vault, None, clock, retention_years=profile.retention_years)
        if found.first_day >= settings.start_date:
            return found
    return observe(vault, settings.start_date, clock, retention_years=profile.retention_years)
