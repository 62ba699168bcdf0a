"""Numbers of rows in backups, good and quarantined, read from their manifests once per run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from signal_backups.core.backup.plausibility import trailing_weekdays
from signal_backups.core.vault.vault import BackupVault


def row_counts(vault: BackupVault, days: Sequence[date]) -> dict[date, int]:
    """Numbers of rows of ``days`` and of the days they are compared with, as far as they are backed up."""
    if not days:
        return {}
    first = min(trailing_weekdays(min(days)))
    wanted = {past for day in days for past in (day, *trailing_weekdays(day))}
    manifests = vault.manifests(first, max(days), only=wanted)
    return {manifest.day: manifest.records + manifest.quarantined for manifest in manifests.values()}
