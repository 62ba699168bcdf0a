"""When the last restore drill was held and the last retention audit made, as their reports in the bucket tell."""

from __future__ import annotations

from datetime import datetime

from signal_backups.core.vault.vault import BackupVault


def last_drill(vault: BackupVault) -> datetime | None:
    """When the newest report of a drill was stored (UTC); None when there is none. One request a thousand drills."""
    return _newest(vault, vault.layout.drill_prefix)


def last_retention_audit(vault: BackupVault) -> datetime | None:
    """When the newest report of a retention audit was stored (UTC); None when there is none."""
    return _newest(vault, f"{vault.layout.report_prefix}retention/")


def _newest(vault: BackupVault, prefix: str) -> datetime | None:
    return max((found.last_modified for found in vault.store.list_current(prefix)), default=None)
