"""What today's rules of the bucket do to a backup that somebody deletes or overwrites, and when they end one."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import ONE_DAY, start_of, years_after
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.s3.lifecycle_timeline import rules_for
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault


def protection(vault: BackupVault, day: date, size: int, retention_years: int | None) -> str:
    """Say in one line how backups are protected.

    Args:
        vault: where they are.
        day: a day (UTC) whose backup stands for all.
        size: the size of that backup, bytes.
        retention_years: calendar years that each must be kept; None: for ever.
    """
    configuration = vault.store.configuration
    try:
        is_locked = vault.store.lock is not None and configuration.is_lock_enabled()
        rules = rules_for(configuration.lifecycle().parsed, vault.layout.backup_key(BackupSlot(day)), size)
    except SignalBackupsError as error:
        return f"unknown: {error.what}"
    lock = f"locked for {vault.store.lock.years} years" if is_locked and vault.store.lock else "no lock"
    days = rules.noncurrent_expire_days
    deleted = "deleted backups stay" if days is None else f"deletion final after {days} days"
    if is_locked:
        deleted = "deleted backups stay until the lock ends"
    found = [lock, deleted]
    if rules.expire_days is not None and retention_years is not None:
        stored = start_of(day)
        short = (years_after(stored, retention_years) - stored) // ONE_DAY - rules.expire_days
        if short > 0:
            found.append(f"{retention_years} years are {short} {'day' if short == 1 else 'days'} short")
    return "; ".join(found)
