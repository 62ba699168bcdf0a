"""The status of all backups, from S3 alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain

from pydantic import BaseModel

from signal_backups.core.base.days import ONE_DAY, Clock, days_between, last_complete_day, utc_now
from signal_backups.core.base.objectives import due_at, missed_from
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.tail import newest_first
from signal_backups.core.monitoring.observation import first_expected
from signal_backups.core.monitoring.status.calendar import CalendarDay, DayMark, calendar_of
from signal_backups.core.monitoring.status.protection import protection
from signal_backups.core.monitoring.verifications import last_verifications
from signal_backups.core.vault.genuine import forged_manifests
from signal_backups.core.vault.manifest import SourceDifference
from signal_backups.core.vault.vault import BackupVault, destroyed_days

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
        destroyed_days: days of which no version is left, although a manifest vouches for one; they are not missing.
        hidden_days: the missing days that a delete marker hides.
        due_days: days without a verified backup that are not late yet; neither missing nor unverified.
        failing_days: verified days whose last verification failed.
        unknown_days: verified days without a verification in the newest ``verifications.MAX_EVENTS_BACK`` events.
        differing_days: what the database has altered or lost of verified days since their backup.
        quarantined_rows: number of rows kept out of a backup, by day.
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
    missing_days: list[date]
    destroyed_days: list[date]
    hidden_days: list[date]
    unverified_days: list[date]
    due_days: list[date]
    failing_days: list[date]
    unknown_days: list[date]
    differing_days: dict[date, SourceDifference]
    quarantined_rows: dict[date, int]
    failures: list[Failure]
    next_run: datetime
    protection: str
    calendar: list[CalendarDay]

    @property
    def healthy(self) -> bool:
        """Whether there are backups, and none needs attention."""
        lost = self.missing_days or self.destroyed_days or self.unverified_days
        doubtful = self.failing_days or self.differing_days or self.quarantined_rows
        return bool(self.days_backed_up) and not (lost or doubtful)


def backup_status(
    vault: BackupVault, start: date | None, clock: Clock = utc_now, *, retention_years: int | None = None
) -> BackupStatus:
    """Find the status of every day that should be backed up, to the last complete one.

    Args:
        vault: where the backups are.
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        clock: the present (UTC).
        retention_years: calendar years that a day is kept; older days are left out. None: for ever.

    Raises:
        StoreError: the store cannot be reached.
    """
    now, last = clock(), last_complete_day(clock)
    first = first_expected(start, now, retention_years)
    versions, manifest_versions = vault.backup_versions(first, last), vault.manifest_versions(first, last)
    ever = {slot.day for slot in versions}
    destroyed = destroyed_days(versions, manifest_versions)
    if start is None:
        first = min(ever | destroyed, default=last)
    backups = vault.backups_with_manifests(first, last)
    present = {backup.slot.day for backup in backups}
    manifests = [backup.manifest for backup in backups if backup.manifest is not None]
    current = {slot: stored[0] for slot, stored in manifest_versions.items() if not stored[0].hides}
    forged = forged_manifests(vault, current)
    vouched = {backup.slot.day for backup in backups if backup.is_vouched and backup.slot not in forged}
    newest = max(manifests, key=lambda manifest: manifest.day, default=None)
    due = {day for day in (last,) if day >= first and day not in vouched | destroyed and now < missed_from(day)}
    missing = [day for day in days_between(first, last) if day not in present | due | destroyed]
    unverified = sorted(present - vouched - due - destroyed)
    differing = {manifest.day: manifest.differences for manifest in manifests if manifest.differences}
    quarantined = {manifest.day: manifest.quarantined for manifest in manifests if manifest.quarantined}
    events = newest_first(vault.trail.log, RECENT_EVENTS)
    recent = next(events, [])
    verified = last_verifications(chain([recent], events), vouched)
    # The worst mark of a day comes last, and replaces the others.
    marks = {
        **dict.fromkeys(vouched, DayMark.VERIFIED),
        **dict.fromkeys(quarantined, DayMark.QUARANTINED),
        **dict.fromkeys(differing, DayMark.DIFFERS),
        **dict.fromkeys([*unverified, *verified.failing], DayMark.UNVERIFIED),
        **dict.fromkeys(missing, DayMark.MISSING),
        **dict.fromkeys(due, DayMark.NOT_DUE),
        **dict.fromkeys(destroyed, DayMark.DESTROYED),
    }
    return BackupStatus(
        at=now,
        first_day=first,
        last_day=last,
        first_stored_day=min(present, default=None),
        last_stored_day=max(present, default=None),
        days_backed_up=len(present),
        records=sum(manifest.records for manifest in manifests),
        bytes=sum(backup.current.size for backup in backups),
        last_backup_day=newest.day if newest else None,
        last_backup_at=newest.finished_at if newest else None,
        last_backup_age_seconds=(now - newest.finished_at).total_seconds() if newest else None,
        missing_days=missing,
        destroyed_days=sorted(destroyed),
        hidden_days=[day for day in missing if day in ever],
        unverified_days=unverified,
        due_days=sorted(due),
        failing_days=list(verified.failing),
        unknown_days=list(verified.not_reached),
        differing_days=differing,
        quarantined_rows=quarantined,
        failures=_failures(recent),
        next_run=due_at(last) if now < due_at(last) else due_at(last + ONE_DAY),
        protection=protection(vault, last, newest.backup.bytes if newest else 0, retention_years),
        calendar=calendar_of(last + ONE_DAY, first, marks),
    )


def _failures(events: Iterable[Event]) -> list[Failure]:
    return [
        Failure(at=event.at, action=event.action, day=str(event.details.get("day", "")), reason=_reason(event))
        for event in sorted(events, key=lambda event: event.at, reverse=True)
        if event.action in {Action.BACKUP, Action.VERIFICATION} and event.result == Result.FAILED
    ]


def _reason(event: Event) -> str:
    """Return the error of an operation that was aborted, or the problems that a verification found."""
    return str(event.details.get("error") or "; ".join(map(str, event.details.get("problems") or ["unknown"])))
