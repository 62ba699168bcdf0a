"""Checks of the backups: the age of the latest one, and audit events that are not stored yet."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.doctor.finding import DoctorResult, failed, ok, warning
from signal_backups.core.ledger.outbox import Outbox
from signal_backups.core.monitoring.observation import DayState, observe
from signal_backups.core.vault.vault import BackupVault


def is_recent(vault: BackupVault, start: date | None, clock: Clock) -> DoctorResult:
    """Check that the newest day that should be backed up is, and that its backup is recent."""
    found = observe(vault, start, clock)
    latest = found.latest
    if latest is None and found.hidden:
        remedy = f"Bring it back with: signal-backups undelete {found.hidden[-1]}"
        return failed(f"deleted: a delete marker hides {found.hidden[-1]}", remedy)
    destroyed = found.in_state(DayState.DESTROYED)
    if destroyed:
        what = f"destroyed: no version of the backup of {destroyed[-1]} is left"
        return failed(what, "Examine what happened with: signal-backups audit verify")
    if latest is None:
        return failed("there is none", "Make the first with: signal-backups backup", ExitCode.NOT_FOUND)
    age = clock() - latest.finished_at
    summary = f"{latest.day}, made {age.total_seconds() / 3600:.1f} h ago"
    remedy = "See what is missing with: signal-backups status"
    # An old day that was backed up again recently says nothing about the days after it.
    newest = max((day for day, state in found.days.items() if state is not DayState.DUE), default=latest.day)
    if newest > latest.day:
        return failed(f"{summary}, but that of {newest} is {found.days[newest]}", remedy)
    if age <= MAX_BACKUP_AGE:
        return ok(summary)
    return failed(f"{summary}, more than {MAX_BACKUP_AGE.total_seconds() / 3600:.0f} h", remedy)


def largest_day(vault: BackupVault) -> int:
    """Return the size of the largest backup in bytes; 0 when there is none."""
    return max((backup.current.size for backup in vault.backups(date.min, date.max)), default=0)


def events_are_written(outbox: Outbox) -> DoctorResult:
    """Check that no audit event is waiting in the outbox."""
    waiting = len(outbox.waiting())
    if not waiting:
        return ok("none is waiting on this machine")
    return warning(
        f"{waiting} waiting on this machine to be stored",
        "The next backup or verification stores them, once the store accepts writes: signal-backups verify",
    )
