"""Numbers of signals in backups, read from their manifests once per run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from signal_backups.core.backup.plausibility import trailing_weekdays
from signal_backups.core.vault.vault import BackupVault


def signal_counts(vault: BackupVault, days: Sequence[date]) -> dict[date, int]:
    """Numbers of signals of ``days`` and of the days they are compared with, as far as they are backed up."""
    if not days:
        return {}
    first = min(trailing_weekdays(min(days)))
    wanted = {past for day in days for past in (day, *trailing_weekdays(day))}
    manifests = vault.manifests(first, max(days), only=wanted)
    return {manifest.day: manifest.records for manifest in manifests.values()}
