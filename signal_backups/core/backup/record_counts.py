"""Record counts of days already backed up, read from S3 once a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from signal_backups.core.backup.plausibility import trailing_weekdays
from signal_backups.core.vault.vault import BackupVault


def record_counts(vault: BackupVault, days: Sequence[date]) -> dict[date, int]:
    """Records of every day that judging ``days`` looks back on, those days themselves included."""
    if not days:
        return {}
    first = min(trailing_weekdays(min(days)))
    wanted = {past for day in days for past in (day, *trailing_weekdays(day))}
    manifests = vault.manifests(first, max(days), only=wanted)
    return {manifest.day: manifest.records for manifest in manifests.values()}
