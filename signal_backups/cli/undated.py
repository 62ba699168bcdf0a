"""Searching the database for rows that belong to no day, for commands."""

from __future__ import annotations

from uuid import uuid4

from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.undated import keep_undated
from signal_backups.core.backup.undated_tables import Partitions
from signal_backups.core.base.days import utc_now
from signal_backups.core.config.settings import Settings
from signal_backups.core.source import open_source
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault


def searched_undated(vault: BackupVault, settings: Settings) -> UndatedRows:
    """Search the database, and keep what is found; see ``keep_undated``."""
    source, today = open_source(settings.source_url, settings.table, settings.extra_columns), utc_now().date()
    with Scratch(settings.scratch).day(f"undated-{uuid4().hex[:8]}", today) as folder:
        return keep_undated(vault, source, folder.path, Partitions(settings.start_date, today))
