"""The backups themselves: how old the last one is, and whether the audit trail is behind.

What belongs here: one look. What does not: every day (``status``, ``retention.audit``).
"""

from __future__ import annotations

from datetime import date

from signal_backups.core.days import Clock
from signal_backups.core.doctor.finding import Verdict, failed, warning, well
from signal_backups.core.errors import ExitCode
from signal_backups.core.trail.outbox import Outbox
from signal_backups.core.vault import BackupVault
from signal_backups.core.watch.objectives import MAX_BACKUP_AGE
from signal_backups.core.watch.observation import observe


def is_recent(vault: BackupVault, start: date | None, clock: Clock) -> Verdict:
    """The newest backup that was verified is young enough."""
    latest = observe(vault, start, clock).latest
    if latest is None:
        return failed("there is none", "Make the first with: signal-backups backup", ExitCode.NOT_FOUND)
    age = clock() - latest.finished_at
    words = f"{latest.day}, made {age.total_seconds() / 3600:.1f} h ago"
    if age <= MAX_BACKUP_AGE:
        return well(words)
    hours = MAX_BACKUP_AGE.total_seconds() / 3600
    return failed(f"{words}, more than {hours:.0f} h", "See what is missing with: signal-backups status")


def largest_day(vault: BackupVault) -> int:
    """Bytes of the largest backup; 0 without any."""
    return max((backup.current.size for backup in vault.backups(date.min, date.max)), default=0)


def events_are_written(outbox: Outbox) -> Verdict:
    """No audit event waits on this machine."""
    waiting = len(outbox.waiting())
    if not waiting:
        return well("none waits on this machine")
    return warning(
        f"{waiting} wait on this machine to be written",
        "The next backup or verification takes them along, once the store can be written to: signal-backups verify",
    )
