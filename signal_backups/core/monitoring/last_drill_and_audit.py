"""When the last restore drill and the last retention audit took place, from their reports in the bucket."""

from __future__ import annotations

from datetime import datetime

from signal_backups.core.vault.vault import BackupVault


def last_drill(vault: BackupVault) -> datetime | None:
    """Return when the newest drill report was stored (UTC); None if there is none. One request per thousand drills."""
    return _newest(vault, vault.layout.drill_prefix)


def last_retention_audit(vault: BackupVault) -> datetime | None:
    """Return when the newest retention audit report was stored (UTC); None if there is none."""
    return _newest(vault, f"{vault.layout.report_prefix}retention/")


def _newest(vault: BackupVault, prefix: str) -> datetime | None:
    return max((found.last_modified for found in vault.store.list_current(prefix)), default=None)
