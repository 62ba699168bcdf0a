"""The backups themselves: how old the last one is, and whether the audit trail is behind."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.doctor.finding import DoctorResult, failed, warning, well
from signal_backups.core.ledger.outbox import Outbox
from signal_backups.core.monitoring.observation import DayState, observe
from signal_backups.core.vault.vault import BackupVault


def is_recent(vault: BackupVault, start: date | None, clock: Clock) -> DoctorResult:
    """The newest day that should be backed up by now is, and its backup is young enough."""
    found = observe(vault, start, clock)
    latest = found.latest
    if latest is None and found.hidden:
        remedy = f"Bring it back with: signal-backups undelete {found.hidden[-1]}"
        return failed(f"deleted: a delete marker hides {found.hidden[-1]}", remedy)
    if latest is None:
        return failed("there is none", "Make the first with: signal-backups backup", ExitCode.NOT_FOUND)
    age = clock() - latest.finished_at
    words = f"{latest.day}, made {age.total_seconds() / 3600:.1f} h ago"
    remedy = "See what is missing with: signal-backups status"
    # An old day that was made again is young, and says nothing of the days since.
    newest = max((day for day, state in found.days.items() if state is not DayState.DUE), default=latest.day)
    if newest > latest.day:
        return failed(f"{words}, but that of {newest} is {found.days[newest]}", remedy)
    if age <= MAX_BACKUP_AGE:
        return well(words)
    return failed(f"{words}, more than {MAX_BACKUP_AGE.total_seconds() / 3600:.0f} h", remedy)


def largest_day(vault: BackupVault) -> int:
    """Bytes of the largest backup; 0 without any."""
    return max((backup.current.size for backup in vault.backups(date.min, date.max)), default=0)


def events_are_written(outbox: Outbox) -> DoctorResult:
    """No audit event waits on this machine."""
    waiting = len(outbox.waiting())
    if not waiting:
        return well("none waits on this machine")
    return warning(
        f"{waiting} wait on this machine to be written",
        "The next backup or verification takes them along, once the store can be written to: signal-backups verify",
    )
