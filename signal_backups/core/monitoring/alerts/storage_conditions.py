"""Conditions that S3 shows: days, verifications, drills and retention audits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from datetime import date, datetime, timedelta

from signal_backups.core.base.day_ranges import ranges_of
from signal_backups.core.base.objectives import MAX_AUDIT_AGE, MAX_DRILL_AGE, missed_from
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.state import AlertState
from signal_backups.core.monitoring.observation import DayState, Observation


def settled(state: AlertState, key: str, found: Iterable[date], busy: Set[date]) -> list[date]:
    """The days of a condition. A day that a run works on neither joins nor leaves them until the run is over."""
    decided = set(found) - busy
    return sorted(decided | {day for day in busy if state.has_notified(key, day)})


def backup_command(days: Collection[date]) -> str:
    """The command that backs up again the newest of some days, with those of them that adjoin it."""
    newest = ranges_of(days)[-1]
    return f"signal-backups backup --from {newest.first} --to {newest.last}"


def counted(days: Collection[date], one: str, many: str) -> str:
    """``1 day is missing``, ``3 days are missing``."""
    return f"1 day {one}" if len(days) == 1 else f"{len(days)} days {many}"


def day_conditions(
    state: AlertState, observation: Observation, busy: Set[date], failed: Set[date]
) -> Iterator[Condition]:
    """Days that S3 does not hold as it should. Days whose run failed are part of another condition, with the reason."""
    hidden = set(observation.hidden)
    groups: dict[str, tuple[set[date], tuple[str, str], Callable[[list[date]], str]]] = {
        "days/missing": (
            set(observation.in_state(DayState.MISSING)) - hidden,
            ("is not backed up", "are not backed up"),
            backup_command,
        ),
        "days/destroyed": (
            set(observation.in_state(DayState.DESTROYED)),
            ("was destroyed: no version of its backup is left", "were destroyed: no version of their backups is left"),
            lambda _: "signal-backups audit verify",
        ),
        "days/hidden": (
            hidden,
            ("is hidden by a delete marker", "are hidden by delete markers"),
            lambda days: f"signal-backups undelete {days[-1]}",
        ),
        "days/unverified": (
            set(observation.in_state(DayState.UNVERIFIED)),
            ("has a backup that no manifest vouches for", "have backups that no manifest vouches for"),
            backup_command,
        ),
    }
    for key, (found, words, command) in groups.items():
        days = settled(state, key, found - failed, busy)
        if days:
            yield Condition(
                key=key,
                severity=AlertSeverity.CRITICAL,
                what=counted(days, *words),
                days=Days.of(days),
                since=missed_from(days[0]) if key == "days/missing" else None,
                command=command(days),
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


def last_good(observation: Observation) -> str:
    """The newest verified backup in words."""
    latest = observation.latest
    if latest is None:
        return f"none since {observation.first_day}"
    return f"{latest.day}, made {latest.finished_at:%Y-%m-%d %H:%M:%S}Z, {latest.records:,} signals"
