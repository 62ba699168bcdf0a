"""The status of all backups, from S3 alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import chain

from pydantic import BaseModel

from signal_backups.core.base.days import ONE_DAY, Clock, utc_now
from signal_backups.core.base.objectives import READ_WITHIN, due_at
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.monitoring.last_reads import last_reads, oldest_read
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.monitoring.status.calendar import CalendarDay, calendar_of
from signal_backups.core.monitoring.status.protection import protection
from signal_backups.core.monitoring.verifications import LastVerifications, last_verifications
from signal_backups.core.vault.day_state import MEANINGS, DayState, Urgency, worst_first
from signal_backups.core.vault.findings import Findings
from signal_backups.core.vault.manifest import SourceDifference
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault

#: How many of the newest audit events are searched for failures.
RECENT_EVENTS = 200


class Failure(BaseModel, frozen=True):
    """A failed backup or verification, and when it failed (UTC); a later one may have succeeded."""

    at: datetime
    action: Action
    day: str
    reason: str


class BackupStatus(BaseModel, frozen=True):
    """The status; times in UTC, ages in seconds.

    Attributes:
        first_day: the first day that should be backed up; ``first_stored_day``: the first that is.
        last_day: the last day that should be backed up; ``last_stored_day``: the last that is.
        day_states: every state of each day that is not plainly verified, the worst first.
        missing_days: days of which nothing was ever stored; the lists after it are by state as well.
        oldest_unread_day: the verified day that was read back longest ago; ``oldest_unread_at``: when that was.
        unread_days: verified days that were not read back within the time that is set.
        unknown_days: verified days without a verification in the newest ``verifications.MAX_EVENTS_BACK`` events.
        differing_days: what the database has altered or lost of days since their backup.
        quarantined_rows: number of rows kept out of a backup, by day.
        undated: the rows of the database that belong to no day.
        findings: what audits, drills and reconciliations found, and no later one cleared.
        damaged_logs: of each log that is damaged what a listing shows.
        failures: failures among the newest ``RECENT_EVENTS`` events, newest first.
        next_run: when the next backup is due.
        protection: what today's rules do to a backup that somebody deletes, in one line.
    """

    at: datetime
    first_day: date
    last_day: date
    first_stored_day: date | None
    last_stored_day: date | None
    days_backed_up: int
    records: int
    bytes: int
    last_backup_day: date | None
    last_backup_at: datetime | None
    last_backup_age_seconds: float | None
    day_states: dict[date, list[DayState]]
    missing_days: list[date]
    destroyed_days: list[date]
    hidden_days: list[date]
    unverified_days: list[date]
    due_days: list[date]
    failing_days: list[date]
    oldest_unread_day: date | None
    oldest_unread_at: datetime | None
    oldest_unread_seconds: float | None
    unread_days: list[date]
    unknown_days: list[date]
    differing_days: dict[date, SourceDifference]
    quarantined_rows: dict[date, int]
    undated: UndatedRows
    findings: list[Findings]
    damaged_logs: list[str]
    failures: list[Failure]
    next_run: datetime
    protection: str
    calendar: list[CalendarDay]

    def in_state(self, state: DayState) -> list[date]:
        """The days in a state, oldest first."""
        return [day for day, states in self.day_states.items() if state in states]

    @property
    def urgency(self) -> Urgency:
        """How bad the worst is."""
        states = {MEANINGS[state].urgency for found in self.day_states.values() for state in found}
        if Urgency.NOT_SAFE in states or self.findings or self.damaged_logs or not self.days_backed_up:
            return Urgency.NOT_SAFE
        return Urgency.CHECK if Urgency.CHECK in states or self.undated.in_database else Urgency.FINE

    @property
    def healthy(self) -> bool:
        """Whether there are backups, and none needs attention."""
        return self.urgency is Urgency.FINE

    @property
    def is_empty(self) -> bool:
        """Whether nothing is, or ever was, backed up."""
        return not (self.days_backed_up or self.hidden_days or self.destroyed_days)


def backup_status(
    vault: BackupVault,
    start: date | None,
    clock: Clock = utc_now,
    *,
    retention_years: int | None = None,
    read_within: timedelta = READ_WITHIN,
) -> BackupStatus:
    """Find the status of every day that should be backed up, to the last complete one.

    Args:
        vault: where the backups are.
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        clock: the present (UTC).
        retention_years: calendar years that a day is kept; older days are left out. None: for ever.
        read_within: the time within which every verified day is to be read back.

    Raises:
        StoreError: the store cannot be reached.
    """
    events = ListedEvents(vault.trail.log, vault.event_segments)
    seen = observe(vault, start, clock, retention_years=retention_years, events=events)
    newest_first = events.newest_first(RECENT_EVENTS)
    recent = next(newest_first, [])
    verified = last_verifications(chain([recent], newest_first), set(seen.in_state(DayState.VERIFIED)))
    states = {day: _states(seen, verified, day) for day in seen.days}
    reads = last_reads(seen, verified.read_at)
    oldest = oldest_read(reads)
    present = {day: stored.current for day, stored in seen.stored.items() if stored.current is not None}
    manifests, newest = seen.manifests, max(seen.manifests, key=lambda manifest: manifest.day, default=None)
    return BackupStatus(
        at=seen.at,
        first_day=seen.first_day,
        last_day=seen.last_day,
        first_stored_day=min(present, default=None),
        last_stored_day=max(present, default=None),
        days_backed_up=len(present),
        records=sum(manifest.records for manifest in manifests),
        bytes=sum(version.size for version in present.values()),
        last_backup_day=newest.day if newest else None,
        last_backup_at=newest.finished_at if newest else None,
        last_backup_age_seconds=(seen.at - newest.finished_at).total_seconds() if newest else None,
        day_states={day: found for day, found in states.items() if found != [DayState.VERIFIED]},
        missing_days=seen.in_state(DayState.MISSING),
        destroyed_days=seen.in_state(DayState.DESTROYED),
        hidden_days=seen.in_state(DayState.HIDDEN),
        unverified_days=seen.in_state(DayState.UNVERIFIED),
        due_days=seen.in_state(DayState.NOT_DUE),
        failing_days=list(verified.failing),
        oldest_unread_day=oldest.day if oldest else None,
        oldest_unread_at=oldest.at if oldest else None,
        oldest_unread_seconds=(seen.at - oldest.at).total_seconds() if oldest else None,
        unread_days=[day for day, at in reads.items() if seen.at - at > read_within],
        unknown_days=list(verified.not_reached),
        differing_days={manifest.day: manifest.differences for manifest in manifests if manifest.differences},
        quarantined_rows={manifest.day: manifest.quarantined for manifest in manifests if manifest.quarantined},
        undated=seen.undated,
        findings=list(seen.findings),
        damaged_logs=list(seen.damaged_logs),
        failures=_failures(recent),
        next_run=due_at(seen.last_day) if seen.at < due_at(seen.last_day) else due_at(seen.last_day + ONE_DAY),
        protection=protection(vault, seen.last_day, newest.backup.bytes if newest else 0, retention_years),
        calendar=calendar_of(seen.last_day + ONE_DAY, seen.first_day, {day: found[0] for day, found in states.items()}),
    )


def _states(seen: Observation, verified: LastVerifications, day: date) -> list[DayState]:
    found = seen.states(day)
    if day in verified.failing:
        found.append(DayState.FAILING)
    if day in verified.stuck:
        found.append(DayState.STUCK)
    return worst_first(found)


def _failures(events: Iterable[Event]) -> list[Failure]:
    return [
        Failure(at=event.at, action=event.action, day=str(event.details.get("day", "")), reason=_reason(event))
        for event in sorted(events, key=lambda event: event.at, reverse=True)
        if event.action in {Action.BACKUP, Action.VERIFICATION} and event.result == Result.FAILED
    ]


def _reason(event: Event) -> str:
    """Return the error of an operation that was aborted, or the problems that a verification found."""
    return str(event.details.get("error") or "; ".join(map(str, event.details.get("problems") or ["unknown"])))
