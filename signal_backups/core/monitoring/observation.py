"""The states of each day, from what S3 holds; status, metrics, alerts, sensors and doctor all read them here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from signal_backups.core.base.days import Clock, days_between, last_complete_day, oldest_kept_day
from signal_backups.core.base.objectives import GRACE, missed_from
from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.vault.day_state import DayState, worst_first
from signal_backups.core.vault.findings import DayFinding, Examination, Findings, newest_findings
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.core.vault.vault import BackupVault

#: Examinations whose findings of a day end with the next backup of the day.
_ENDED_BY_BACKUP = {Examination.DRILL, Examination.RECONCILIATION}


@dataclass(frozen=True)
class Observation:
    """The states of every day from ``first_day`` to ``last_day``, both included, at one instant.

    Attributes:
        at: that instant (UTC).
        days: what is stored of each day: verified, not due, unverified, tampered, hidden, missing or destroyed.
        more: the further states of days that have any.
        stored: what the bucket holds of each day that has, or had, a backup.
        findings: the open findings.
        undated: the rows that belong to no day.
        damaged_logs: of each log that is damaged what its listing shows.
        requests: how many requests were sent.
    """

    at: datetime
    first_day: date
    last_day: date
    days: Mapping[date, DayState]
    more: Mapping[date, Collection[DayState]] = field(default_factory=dict)
    stored: Mapping[date, StoredDay] = field(default_factory=dict)
    findings: Sequence[Findings] = ()
    undated: UndatedRows = field(default_factory=UndatedRows)
    damaged_logs: Sequence[str] = ()
    requests: int = 0

    def states(self, day: date) -> list[DayState]:
        """Every state of a day, the worst first."""
        return worst_first([self.days[day], *self.more.get(day, ())])

    def in_state(self, *states: DayState) -> list[date]:
        """The days in any of these states, oldest first."""
        return [day for day in self.days if not set(states).isdisjoint(self.states(day))]

    @property
    def manifests(self) -> list[Manifest]:
        """The genuine current manifests, oldest day first."""
        return [stored.manifest for stored in self.stored.values() if stored.manifest is not None]

    @property
    def latest(self) -> Manifest | None:
        """The manifest of the newest verified day; None when none is verified."""
        newest = max((day for day, state in self.days.items() if state is DayState.VERIFIED), default=None)
        return self.stored[newest].manifest if newest is not None else None


def observe(
    vault: BackupVault,
    start: date | None,
    clock: Clock,
    *,
    grace: timedelta = GRACE,
    retention_years: int | None = None,
    events: ListedEvents | None = None,
) -> Observation:
    """Find the states of every day from ``start`` to the last complete one.

    It takes a few listings, and reads the current manifest of each day, see ``vault.stored_days``; whoever observes
    often passes a caching vault, which reads each of them once.

    Args:
        vault: where the backups are.
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        clock: the present (UTC).
        grace: how long after its backup time a day is due rather than missing.
        retention_years: calendar years that a day is kept; older days are left out. None: for ever.
        events: the audit trail, not listed yet; None: nobody wants to read its events.

    Raises:
        StoreError: the store cannot be reached.
    """
    now, last = clock(), last_complete_day(clock)
    with vault.store.counted_requests() as sent:
        first = first_expected(start, now, retention_years)
        vault.log_index.rebuild()
        stored = vault.stored_days(first, last)
        events = events or ListedEvents(vault.trail.log, vault.event_segments)
        damage = events.damage
        newest = newest_findings(vault, events)
        trail = Examination.AUDIT_TRAIL
        examined = newest.get(trail) or Findings(examination=trail, at=now)
        damaged_logs = [
            *_damage("event", examined.not_accepted(vault.trail.log, damage)),
            *_damage("manifest", examined.not_accepted(vault.manifest_log, vault.log_index.damage)),
        ]
    if start is None:
        first = min(stored, default=last)
    days = {day: _state(day, stored.get(day), now, grace) for day in days_between(first, last)}
    findings = [found for each in newest.values() if (found := _still_open(each, stored, days.keys())).is_open]
    more = {day: states for day in days if (states := list(_more_states(day, stored.get(day), findings)))}
    searched = newest.get(Examination.UNDATED_SIGNALS)
    undated = (searched.undated if searched else None) or UndatedRows()
    return Observation(now, first, last, days, more, stored, findings, undated, damaged_logs, len(sent))


def first_expected(start: date | None, now: datetime, retention_years: int | None) -> date:
    """Return the first day that should be backed up, from start and retention; ``date.min`` without both."""
    kept_from = oldest_kept_day(now, retention_years) if retention_years else date.min
    return max(start or date.min, kept_from)


def _state(day: date, stored: StoredDay | None, now: datetime, grace: timedelta) -> DayState:
    state = stored.state if stored is not None else DayState.MISSING
    can_be_due = state in {DayState.MISSING, DayState.UNVERIFIED}
    return DayState.NOT_DUE if can_be_due and now < missed_from(day, grace) else state


def _more_states(day: date, stored: StoredDay | None, findings: Iterable[Findings]) -> Iterable[DayState]:
    manifest = stored.manifest if stored else None
    if stored is not None and stored.others:
        yield DayState.OTHER_OBJECT
    if manifest is not None and manifest.quarantined:
        yield DayState.QUARANTINED
    if stored is not None and stored.has_lost_quarantine:
        yield DayState.QUARANTINE_LOST
    if manifest is not None and manifest.differences is not None:
        yield DayState.DIFFERS
    if manifest is not None and manifest.replacements:
        yield DayState.CHANGES_ACCEPTED
    if any(day in each.days for each in findings):
        yield DayState.OPEN_FINDING


def _still_open(findings: Findings, stored: Mapping[date, StoredDay], observed: Collection[date]) -> Findings:
    """The findings without the days that are not observed, and those that a later backup has put right."""

    def is_ended(day: date, found: DayFinding) -> bool:
        manifest = stored[day].manifest if day in stored else None
        is_newer = manifest is not None and manifest.finished_at > found.at
        return day not in observed or (is_newer and findings.examination in _ENDED_BY_BACKUP)

    days = {day: found for day, found in findings.days.items() if not is_ended(day, found)}
    return findings.model_copy(update={"days": days})


def _damage(name: str, damage: LogDamage) -> Iterable[str]:
    """What a listing shows of a damaged log; what only the entries show is found by ``audit verify``."""
    if damage.count:
        more = f", and {damage.count - 1:,} more" if damage.count > 1 else ""
        yield f"{name} {damage.first} is missing, hidden or overwritten{more}"
