"""Finds the days that failed their last verification; status, alerts and metrics share this rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from signal_backups.core.base.errors import NotFoundError, VerificationError, code_from_stored
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.listed_events import MOST_FROM_SEGMENTS

#: How far back ``status`` reads; seven years of nine events a day. Rolling segments make that a few requests.
MAX_EVENTS_BACK = MOST_FROM_SEGMENTS

#: What stores a day's backup.
_STORES = {Action.BACKUP, Action.UNDELETE}

#: What says anything about a day's backup.
_TELLING = {*_STORES, Action.VERIFICATION}

#: Error codes of an aborted verification that show damage in S3; an unreachable store or a full disk does not.
_DAMAGE = {NotFoundError.code, VerificationError.code}


class LastResult(NamedTuple):
    """The last result of a day, when it was recorded, and since when it has been the same (both UTC)."""

    at: datetime
    since: datetime
    succeeded: bool


#: By day.
LastResults = dict[date, LastResult]


@dataclass(frozen=True)
class LastVerifications:
    """What the newest events say of days; oldest first.

    Attributes:
        failing: days that failed their last verification.
        stuck: days whose last backup failed.
        not_reached: days without a verification among the events that were read.
        read_at: when each day was last read back and judged (UTC), be it good or bad.
        not_read_at: when a scrub last could not read a day (UTC).
    """

    failing: Sequence[date]
    stuck: Sequence[date]
    not_reached: Sequence[date]
    read_at: Mapping[date, datetime]
    not_read_at: Mapping[date, datetime]


def verification_result(event: Event) -> bool | None:
    """Return whether the backup of the event's day was good when it was read back; None if the event does not say."""
    match event.action, event.result:
        case (Action.VERIFICATION, Result.PASSED) | (Action.UNDELETE, Result.COPIED_UP):
            return True
        case (Action.BACKUP, Result.STORED | Result.UNCHANGED):
            return True
        case (Action.VERIFICATION, Result.FAILED):
            was_aborted = "error" in event.details
            return None if was_aborted and code_from_stored(event.details.get("error_type")) not in _DAMAGE else False
    return None


def note_verification(last: LastResults, event: Event) -> None:
    """Update the last result of the event's days, if the event says something about its verification."""
    succeeded = verification_result(event)
    if succeeded is not None:
        note_result(last, event, succeeded=succeeded)


def note_backup(last: LastResults, event: Event) -> None:
    """Update the last result of the event's day, if the event is about storing it."""
    if event.action in _STORES:
        note_result(last, event, succeeded=event.result != Result.FAILED)


def note_result(last: LastResults, event: Event, *, succeeded: bool) -> None:
    """Update the last result of the event's days, unless a later one is known: events from an outbox arrive late."""
    for day in days_of(event):
        before = last.get(day)
        if before is None or before.at <= event.at:
            is_same = before is not None and before.succeeded == succeeded
            last[day] = LastResult(event.at, before.since if before and is_same else event.at, succeeded)


def failing_days(last: LastResults) -> dict[date, datetime]:
    """Return the days whose last result is a failure, and since when (UTC), oldest day first."""
    return {day: result.since for day, result in sorted(last.items()) if not result.succeeded}


def last_verifications(newest_first: Iterator[Sequence[Event]], days: Set[date]) -> LastVerifications:
    """Find the last verification and the last backup of each of some days; reads at most ``MAX_EVENTS_BACK`` events.

    Args:
        newest_first: batches of events, newest first.
        days: the days.
    """
    told: list[Event] = []
    count, unknown = 0, set(days)
    for events in newest_first:
        count += len(events)
        told += (event for event in events if event.action in _TELLING)
        unknown -= {day for event in events if event.action in _STORES for day in days_of(event)}
        if not unknown or count >= MAX_EVENTS_BACK:
            break
    verified: LastResults = {}
    backed_up: LastResults = {}
    for event in reversed(told):
        note_verification(verified, event)
        note_backup(backed_up, event)
    # A day that an older tool backed up has no event: it is unknown only if older events were left unread.
    has_more = bool(unknown) and next(newest_first, None) is not None
    return LastVerifications(
        failing=[day for day in failing_days(verified) if day in days],
        stuck=[day for day in failing_days(backed_up) if day in days],
        not_reached=sorted(unknown - verified.keys()) if has_more else [],
        read_at=read_at(verified),
        not_read_at={day: event.at for event in reversed(told) for day in _days_in(event, "not_read")},
    )


def read_at(last: LastResults) -> dict[date, datetime]:
    """Return when each day was last read back and judged (UTC)."""
    return {day: result.at for day, result in last.items()}


def days_of(event: Event) -> list[date]:
    """Return the days (UTC) that an event is about: one, the many of a scrub, or none."""
    return _days_in(event, "days") if "days" in event.details else _as_days([event.details.get("day", "")])


def _days_in(event: Event, detail: str) -> list[date]:
    return _as_days(event.details.get(detail, []))


def _as_days(named: Any) -> list[date]:
    try:
        return [date.fromisoformat(day) for day in named]
    except (TypeError, ValueError):
        return []
