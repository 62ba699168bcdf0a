"""Which days failed their last verification: one rule for status, alerts and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from signal_backups.core.base.errors import NotFoundError, VerificationError, code_from_stored
from signal_backups.core.ledger.event import Action, Event, Result

#: How far back a status reads, a request an event: at 450 events a year 20 years.
MAX_EVENTS_BACK = 10_000

#: How a verification breaks off when what is stored is to blame. A store that is away, an archived object or a full
#: disk prove nothing.
_DAMAGE = {NotFoundError.code, VerificationError.code}


class Tried(NamedTuple):
    """How something went the last time (``at``), and since when it goes so (both UTC)."""

    at: datetime
    since: datetime
    went_well: bool


#: By day.
LastTries = dict[date, Tried]


@dataclass(frozen=True)
class LastVerifications:
    """The days that failed their last verification, and those that no event that was read speaks of; in order."""

    failing: Sequence[date]
    not_reached: Sequence[date]


def verifies(event: Event) -> bool | None:
    """Whether what is stored of the event's day was good when it was read back; None: the event does not say."""
    match event.action, event.result:
        case (Action.VERIFICATION, Result.PASSED) | (Action.UNDELETE, Result.COPIED_UP):
            return True
        case (Action.BACKUP, Result.STORED | Result.UNCHANGED):
            return True
        case (Action.VERIFICATION, Result.FAILED):
            broke_off = "error" in event.details
            return None if broke_off and code_from_stored(event.details.get("error_type")) not in _DAMAGE else False
    return None


def note_verification(last: LastTries, event: Event) -> None:
    """Remember what an event says of its day's verification, if anything."""
    good = verifies(event)
    if good is not None:
        note(last, event, went_well=good)


def note(last: LastTries, event: Event, *, went_well: bool) -> None:
    """Remember how a day went; an event that waited in an outbox comes late, and changes nothing that came after it."""
    day = day_of(event)
    before = last.get(day) if day else None
    if day and (before is None or before.at <= event.at):
        goes_on = before is not None and before.went_well == went_well
        last[day] = Tried(event.at, before.since if before and goes_on else event.at, went_well)


def failing(last: LastTries) -> dict[date, datetime]:
    """The days that did not go well the last time, and since when (UTC), oldest day first."""
    return {day: tried.since for day, tried in sorted(last.items()) if not tried.went_well}


def last_verifications(newest_first: Iterator[Sequence[Event]], days: Set[date]) -> LastVerifications:
    """How the last verification of some days went: reads back until that is known, ``MAX_EVENTS_BACK`` at most.

    Args:
        newest_first: the events from the newest back, some at a time.
        days: the days.
    """
    relevant: list[Event] = []
    unknown, count = set(days), 0
    for events in newest_first:
        count += len(events)
        new = [event for event in events if verifies(event) is not None]
        relevant += new
        unknown -= {day_of(event) for event in new}
        if not unknown or count >= MAX_EVENTS_BACK:
            break
    last: LastTries = {}
    for event in reversed(relevant):
        note_verification(last, event)
    # At its first event the trail is known: of a day that an older tool backed up it says nothing.
    is_cut = bool(unknown) and next(newest_first, None) is not None
    return LastVerifications([day for day in failing(last) if day in days], sorted(unknown) if is_cut else [])


def day_of(event: Event) -> date | None:
    """The day (UTC) that an event is about; None when it names none."""
    try:
        return date.fromisoformat(event.details.get("day", ""))
    except (TypeError, ValueError):
        return None
