"""The status as text: headline, facts and remedies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from signal_backups.core.base.day_ranges import DayRange, ranges_of
from signal_backups.core.base.days import ONE_DAY
from signal_backups.core.monitoring.status.status import BackupStatus, Failure
from signal_backups.core.monitoring.verifications import MAX_EVENTS_BACK

_MB = 1e6


def headline(found: BackupStatus) -> str:
    """Return one line that says whether the backups are safe, and if not why."""
    if found.healthy:
        until = found.last_day - ONE_DAY * len(found.due_days)
        return f"SAFE: every day from {found.first_day} to {until} is backed up and verified"
    reasons = [
        f"{_days(len(days))} {what}"
        for days, what in (
            (found.missing_days, "missing"),
            (found.destroyed_days, "destroyed"),
            (found.unverified_days, "unverified"),
            (found.failing_days, "failed the last verification"),
            (found.differing_days, "altered in the database since the backup"),
            (found.quarantined_rows, "with quarantined rows"),
        )
        if days
    ]
    only_quarantined = found.quarantined_rows and len(reasons) == 1
    return f"{'CHECK' if only_quarantined else 'NOT SAFE'}: {', '.join(reasons) or 'nothing is backed up'}"


def facts(found: BackupStatus) -> Iterator[tuple[str, str]]:
    """Yield the facts, each with its label."""
    stored = f"{_days(found.days_backed_up)}, {found.records:,} records, {found.bytes / _MB:,.1f} MB"
    if found.first_stored_day and found.last_stored_day:
        stored += f", {DayRange(found.first_stored_day, found.last_stored_day)}"
    yield "stored", stored
    if found.last_backup_at is not None and found.last_backup_age_seconds is not None:
        age = _duration(timedelta(seconds=found.last_backup_age_seconds))
        yield "last backup", f"{found.last_backup_day}, made {moment(found.last_backup_at)}, {age} ago"
    yield "missing", _list(found.missing_days)
    if found.destroyed_days:
        yield "destroyed", _list(found.destroyed_days)
    if found.hidden_days:
        yield "hidden", _list(found.hidden_days, "of these, by delete markers")
    yield "unverified", _list(found.unverified_days)
    if found.failing_days or found.unknown_days:
        yield (
            "not passing",
            f"{_list(found.failing_days, 'failed the last verification')}{_unknown(found.unknown_days)}",
        )
    changes = ", ".join(f"{day}: {difference}" for day, difference in found.differing_days.items())
    if changes:
        yield "differing", f"{len(found.differing_days):,} in the database; {changes}"
    rows = ", ".join(f"{day}: {count:,}" for day, count in found.quarantined_rows.items())
    yield "quarantined", f"{sum(found.quarantined_rows.values()):,} rows; {rows}" if rows else "none"
    yield "protection", found.protection
    yield "failures", _failures(found.failures)
    yield "next run", f"{moment(found.next_run)}, in {_duration(found.next_run - found.at)}, if the schedule is on"


def remedies(found: BackupStatus) -> Iterator[str]:
    """Yield a command for each kind of problem; for the newest day if a command takes only one."""
    if found.hidden_days:
        yield f"Bring a deleted day back with: signal-backups undelete {found.hidden_days[-1]}"
    if found.destroyed_days:
        yield "Of a destroyed day no version is left. Examine what happened with: signal-backups audit verify"
    never_stored = [day for day in found.missing_days if day not in found.hidden_days]
    if never_stored:
        first, last = never_stored[0], never_stored[-1]
        which = f"{first}" if first == last else f"--from {first} --to {last}"
        yield f"Back the missing days up with: signal-backups backup {which}"
    if found.differing_days:
        day = max(found.differing_days)
        yield (
            f"See what the database altered with: signal-backups reconcile --from {day} --to {day}; "
            f'only if it is right: signal-backups backup {day} --accept-changes "REASON"'
        )
    bad = max([*found.unverified_days, *found.failing_days], default=None)
    if bad:
        yield f"See why with: signal-backups verify --date {bad}; fix with: signal-backups backup {bad}"


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
