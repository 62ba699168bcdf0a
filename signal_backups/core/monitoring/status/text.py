"""The status as text: headline, facts and remedies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.monitoring.status.status import BackupStatus, Failure
from signal_backups.core.monitoring.verifications import MAX_EVENTS_BACK
from signal_backups.core.vault.day_state import MEANINGS, DayState, Urgency, remedy_for
from signal_backups.core.vault.findings import Examination

_MB = 1e6
_SEARCH_UNDATED = Examination.UNDATED_SIGNALS.command
_VERDICTS = {Urgency.CHECK: "CHECK", Urgency.NOT_SAFE: "NOT SAFE"}
#: The label of the fact that says since when something was not read back.
OLDEST_UNREAD = "oldest unread"
#: The states that have a line with their days, in this order.
_LISTED = (
    DayState.MISSING,
    DayState.DESTROYED,
    DayState.HIDDEN,
    DayState.UNVERIFIED,
    DayState.TAMPERED,
    DayState.OTHER_OBJECT,
    DayState.QUARANTINE_LOST,
    DayState.STUCK,
)
_LABELS = {DayState.OTHER_OBJECT: "other object", DayState.QUARANTINE_LOST: "lost rows"}
#: Those of them that say so when there is no such day.
_ALWAYS_LISTED = {DayState.MISSING, DayState.UNVERIFIED}


def headline(found: BackupStatus) -> str:
    """Return one line that says whether the backups are safe, and if not why."""
    if found.urgency is Urgency.FINE:
        until = found.last_day - ONE_DAY * len(found.due_days)
        return f"SAFE: every day from {found.first_day} to {until} is backed up and verified"
    reasons = ["nothing is backed up"] if found.is_empty else []
    reasons += [f"{_days(len(days))} {MEANINGS[state].label}" for state, days in _of_concern(found)]
    reasons += ["the audit trail or the manifest log is damaged"] if found.damaged_logs else []
    reasons += [f"the last {each.examination.label} found something" for each in found.findings if each.general]
    undated = found.undated.in_database
    reasons += [f"{undated:,} undated row{'' if undated == 1 else 's'}"] if undated else []
    return f"{_VERDICTS[found.urgency]}: {', '.join(reasons)}"


def facts(found: BackupStatus) -> Iterator[tuple[str, str]]:
    """Yield the facts, each with its label."""
    stored = f"{_days(found.days_backed_up)}, {found.records:,} records, {found.bytes / _MB:,.1f} MB"
    if found.first_stored_day and found.last_stored_day:
        stored += f", {DayRange(found.first_stored_day, found.last_stored_day)}"
    yield "stored", stored
    if found.last_backup_at is not None and found.last_backup_age_seconds is not None:
        age = _duration(timedelta(seconds=found.last_backup_age_seconds))
        yield "last backup", f"{found.last_backup_day}, made {moment(found.last_backup_at)}, {age} ago"
    for state in _LISTED:
        days = found.in_state(state)
        if days or state in _ALWAYS_LISTED:
            yield _LABELS.get(state, str(state)), _list(days)
    yield from _about_reading(found)
    yield from _about_rows(found)
    if found.damaged_logs:
        yield "logs", "; ".join(found.damaged_logs)
    for each in found.findings:
        yield "findings", f"{each.examination.label}, {moment(each.at)}: {'; '.join(each.words)}"
    yield "protection", found.protection
    yield "failures", _failures(found.failures)
    yield "next run", f"{moment(found.next_run)}, in {_duration(found.next_run - found.at)}, if the schedule is on"


def _about_reading(found: BackupStatus) -> Iterator[tuple[str, str]]:
    if found.failing_days or found.unknown_days:
        yield (
            "not passing",
            f"{_list(found.failing_days, 'failed the last verification')}{_unknown(found.unknown_days)}",
        )
    if found.oldest_unread_seconds is not None:
        age = timedelta(seconds=found.oldest_unread_seconds)
        late = f"; {_list(found.unread_days, 'for too long')}" if found.unread_days else ""
        yield OLDEST_UNREAD, f"{_days(age.days)} ({found.oldest_unread_day}){late}"


def _about_rows(found: BackupStatus) -> Iterator[tuple[str, str]]:
    changes = ", ".join(f"{day}: {difference}" for day, difference in found.differing_days.items())
    if changes:
        yield "differing", f"{len(found.differing_days):,} in the database; {changes}"
    rows = ", ".join(f"{day}: {count:,}" for day, count in found.quarantined_rows.items())
    yield "quarantined", f"{sum(found.quarantined_rows.values()):,} rows; {rows}" if rows else "none"
    if found.undated.in_database:
        yield "undated", str(found.undated)


def remedies(found: BackupStatus) -> Iterator[str]:
    """Yield what to do about each kind of problem; for the newest day if a command takes only one."""
    of_days = dict.fromkeys(filter(None, (remedy_for(state, days) for state, days in _of_concern(found))))
    yield from of_days
    if found.is_empty and not of_days:
        yield "Make the first backup with: signal-backups backup"
    if found.undated.in_database:
        yield f"Correct the timestamps of the undated rows in the database, then: {_SEARCH_UNDATED}"
    if found.quarantined_rows or found.undated.in_database:
        yield "See the rows, with reasons, with: signal-backups quarantine"
    if found.unread_days:
        last = (found.last_day - found.unread_days[0]).days + 1
        yield f"Read what was not read for long with: signal-backups verify --last {last}"
    if found.damaged_logs:
        yield "See what happened to the logs with: signal-backups audit verify"
    for each in found.findings:
        yield f"When nothing is wrong any more, clear what the last {each.examination.label} found with: {each.command}"


def _of_concern(found: BackupStatus) -> Iterator[tuple[DayState, list[date]]]:
    """The states that somebody has to look at, the worst first, each with its days."""
    for state in reversed(DayState):
        days = found.in_state(state)
        if days and MEANINGS[state].urgency is not Urgency.FINE:
            yield state, days


def moment(instant: datetime) -> str:
    """Format an instant (UTC) as ``2026-11-01 02:00:07Z``."""
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"


def _failures(failures: Sequence[Failure]) -> str:
    if not failures:
        return "none recently"
    last = failures[0]
    # The reason comes first, because a terminal shows only the start of the line.
    return f"{len(failures):,} recently; {last.reason} ({last.action} of {last.day}, {moment(last.at)})"


def _unknown(days: Sequence[date]) -> str:
    return f"; {_days(len(days))} unknown from the newest {MAX_EVENTS_BACK:,} events" if days else ""


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _list(days: Sequence[date], what: str = "") -> str:
    folded = ", ".join(map(str, ranges_of(days)))
    return f"{len(days):,}{what and f' {what}'}: {folded}" if days else "none"


def _duration(duration: timedelta) -> str:
    return str(timedelta(seconds=round(duration.total_seconds())))
