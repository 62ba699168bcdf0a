"""Numbers of rows that the database had when days were backed up, read from their manifests once per run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from signal_backups.core.backup.plausibility import trailing_weekdays
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault


def row_counts(vault: BackupVault, days: Sequence[date]) -> dict[date, int]:
    """Numbers of rows, good and bad, of ``days`` and of those they are compared with, as far as they are backed up."""
    if not days:
        return {}
    first = min(trailing_weekdays(min(days)))
    wanted = {past for day in days for past in (day, *trailing_weekdays(day))}
    manifests = vault.manifests(first, max(days), only=wanted)
    return {manifest.day: _rows(manifest) for manifest in manifests.values()}


def _rows(manifest: Manifest) -> int:
    return manifest.records + manifest.quarantined if manifest.source_rows is None else manifest.source_rows
