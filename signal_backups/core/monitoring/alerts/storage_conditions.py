"""Conditions that S3 shows: days, verifications, drills and retention audits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from datetime import date, datetime, timedelta

from signal_backups.core.base.objectives import MAX_AUDIT_AGE, MAX_DRILL_AGE, missed_from
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.state import AlertState
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.day_state import MEANINGS, DayState, command_for
from signal_backups.core.vault.findings import Examination

#: The states of stored days that people are notified of; checks and runs in Dagster notify of the others.
_NOTIFIED = (
    DayState.MISSING,
    DayState.DESTROYED,
    DayState.HIDDEN,
    DayState.UNVERIFIED,
    DayState.TAMPERED,
    DayState.OTHER_OBJECT,
    DayState.QUARANTINE_LOST,
)


def settled(state: AlertState, key: str, found: Iterable[date], busy: Set[date]) -> list[date]:
    """The days of a condition. A day that a run works on neither joins nor leaves them until the run is over."""
    decided = set(found) - busy
    return sorted(decided | {day for day in busy if state.has_notified(key, day)})


def counted(days: Collection[date], one: str, many: str) -> str:
    """``1 day is missing``, ``3 days are missing``."""
    return f"1 day {one}" if len(days) == 1 else f"{len(days)} days {many}"


def day_conditions(
    state: AlertState, observation: Observation, busy: Set[date], failed: Set[date]
) -> Iterator[Condition]:
    """Days that S3 does not hold as it should. Days whose run failed are part of another condition, with the reason."""
    for day_state in _NOTIFIED:
        key, meaning = f"days/{day_state}", MEANINGS[day_state]
        days = settled(state, key, set(observation.in_state(day_state)) - failed, busy)
        if days:
            yield Condition(
                key=key,
                severity=AlertSeverity.CRITICAL,
                what=counted(days, meaning.one, meaning.many),
                days=Days.of(days),
                since=missed_from(days[0]) if day_state is DayState.MISSING else None,
                command=command_for(day_state, days),
            )


def finding_conditions(observation: Observation) -> Iterator[Condition]:
    """What examinations found and no later one cleared, and logs that are damaged."""
    for each in observation.findings:
        yield Condition(
            key=f"findings/{each.examination}",
            severity=AlertSeverity.CRITICAL,
            what=f"the last {each.examination.label} found: {'; '.join(each.words)}",
            days=Days.of(each.days),
            since=each.at,
            command=each.command,
        )
    if observation.damaged_logs and Examination.AUDIT_TRAIL not in {each.examination for each in observation.findings}:
        yield Condition(
            key="findings/logs",
            severity=AlertSeverity.CRITICAL,
            what=f"the audit trail or the manifest log is damaged: {'; '.join(observation.damaged_logs)}",
            command="signal-backups audit verify",
        )


def verification_conditions(failed: Mapping[date, datetime]) -> Iterator[Condition]:
    """Days whose last verification failed."""
    if failed:
        newest = max(failed)
        yield Condition(
            key="verification/failed",
            severity=AlertSeverity.CRITICAL,
            what=counted(failed, "did not verify", "did not verify"),
            days=Days.of(failed),
            since=min(failed.values()),
            command=f"signal-backups verify --date {newest}",
        )


def overdue_conditions(
    began: datetime, drill: datetime | None, audit: datetime | None, now: datetime
) -> Iterator[Condition]:
    """A drill or an audit that is overdue; if there was none yet, counted from ``began``."""
    for name, words, last, age, command in (
        ("drill", "restore drill was held", drill, MAX_DRILL_AGE, "signal-backups drill"),
        ("audit", "retention audit was made", audit, MAX_AUDIT_AGE, "signal-backups audit retention"),
    ):
        late = (last or began) + age
        if now >= late:
            ever = f"the last one {last:%Y-%m-%d %H:%M}Z" if last else "there is none at all"
            yield Condition(
                key=f"overdue/{name}",
                severity=AlertSeverity.WARNING,
                what=f"no {words} for more than {age // timedelta(days=1)} days: {ever}",
                since=late,
                command=command,
            )


def unread_conditions(
    began: datetime, all_read_since: datetime | None, within: timedelta, now: datetime
) -> Iterator[Condition]:
    """Backups that were not read back for too long; if nothing says when they were, counted from ``began``."""
    late = (all_read_since or began) + within
    if now > late:
        since = f"since {all_read_since:%Y-%m-%d %H:%M}Z" if all_read_since else "the scrub never ended"
        yield Condition(
            key="overdue/read",
            severity=AlertSeverity.WARNING,
            what=f"some backups were not read back for more than {within.days} days: {since}",
            since=late,
            command="signal-backups status",
        )


def last_good(observation: Observation) -> str:
    """The newest verified backup in words."""
    latest = observation.latest
    if latest is None:
        return f"none since {observation.first_day}"
    return f"{latest.day}, made {latest.finished_at:%Y-%m-%d %H:%M:%S}Z, {latest.records:,} signals"
