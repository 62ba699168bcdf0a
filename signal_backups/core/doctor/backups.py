"""Checks of the backups: the age of the latest one, and audit events that are not stored yet."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.days import Clock
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.doctor.finding import DoctorResult, failed, ok, warning
from signal_backups.core.ledger.outbox import Outbox
from signal_backups.core.monitoring.observation import observe
from signal_backups.core.monitoring.status.status import backup_status
from signal_backups.core.monitoring.status.text import headline, remedies
from signal_backups.core.vault.day_state import MEANINGS, DayState, Urgency, remedy_for
from signal_backups.core.vault.findings import Examination, newest_findings
from signal_backups.core.vault.vault import BackupVault


def is_recent(vault: BackupVault, start: date | None, clock: Clock) -> DoctorResult:
    """Check that the newest day that should be backed up is, and that its backup is recent."""
    found = observe(vault, start, clock)
    latest = found.latest
    if latest is None and not found.stored:
        return failed("there is none", "Make the first with: signal-backups backup", ExitCode.NOT_FOUND)
    newest = max((day for day, state in found.days.items() if state is not DayState.NOT_DUE), default=found.last_day)
    words = f"{newest} {MEANINGS[found.days[newest]].one}"
    if latest is None:
        return failed(words, remedy_for(found.days[newest], [newest]))
    age = clock() - latest.finished_at
    summary = f"{latest.day}, made {age.total_seconds() / 3600:.1f} h ago"
    remedy = "See what is missing with: signal-backups status"
    # An old day that was backed up again recently says nothing about the days after it.
    if newest > latest.day:
        return failed(f"{summary}, but {words}", remedy)
    if age <= MAX_BACKUP_AGE:
        return ok(summary)
    return failed(f"{summary}, more than {MAX_BACKUP_AGE.total_seconds() / 3600:.0f} h", remedy)


def are_safe(vault: BackupVault, start: date | None, clock: Clock, retention_years: int) -> DoctorResult:
    """Check that every day is safe, as ``status`` says."""
    found = backup_status(vault, start, clock, retention_years=retention_years)
    if found.urgency is Urgency.FINE:
        return ok(f"{found.days_backed_up:,} days, {found.first_day} to {found.last_day}")
    remedy = next(remedies(found), "Make the first backup with: signal-backups backup")
    return (warning if found.urgency is Urgency.CHECK else failed)(headline(found), remedy)


def have_days(vault: BackupVault) -> DoctorResult:
    """Check that the last search found no row of the database that belongs to no day."""
    searched = newest_findings(vault).get(Examination.UNDATED_SIGNALS)
    undated = searched.undated if searched else None
    if undated is None:
        # A search that finds nothing records nothing either.
        return ok(f"no undated row is known; {Examination.UNDATED_SIGNALS.command} searches the database")
    if not undated.in_database:
        return ok("every row of the database had a day when it was searched last")
    return warning(
        f"rows in no backup of a day, {undated}",
        "See them with: signal-backups quarantine; correct their timestamps in the database, then: "
        f"{Examination.UNDATED_SIGNALS.command}",
    )


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
