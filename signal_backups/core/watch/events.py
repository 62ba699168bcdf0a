"""What the audit trail says since it was read last: days that did not verify.

What belongs here: reading on, and what follows from what is read. What does not: examining the trail (``trail``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from signal_backups.core.errors import VerificationError
from signal_backups.core.trail.event import Action, Event
from signal_backups.core.trail.trail import AuditTrail

#: How many events are read at a time; each takes two requests, and one more tells that there is no other.
MAX_EVENTS = 100
#: How many days that did not verify are remembered, the newest.
MAX_FAILED_DAYS = 100


def events_after(trail: AuditTrail, number: int | None) -> tuple[list[Event], int]:
    """The events after one, at most ``MAX_EVENTS`` of them, and the number to go on from.

    An event that cannot be read is passed over: that is for the examination of the trail to tell.

    Args:
        trail: the trail.
        number: of the last event read; None: begin with the last ``MAX_EVENTS``.
    """
    if number is None:
        head = trail.log.head()
        number = max(0, head.number - MAX_EVENTS) if head else 0
    events: list[Event] = []
    for following in range(number + 1, number + 1 + MAX_EVENTS):
        entry = trail.log.entry(following)
        if entry is None:
            return events, following - 1
        try:
            events.append(Event.from_bytes(entry.body, entry.key))
        except VerificationError:
            continue
    return events, number + MAX_EVENTS


def failed_verifications(before: Mapping[date, datetime], events: Sequence[Event]) -> dict[date, datetime]:
    """The days whose last verification failed, and when (UTC) it first did; a new backup of a day is a good one."""
    failed = dict(before)
    for event in events:
        try:
            day = date.fromisoformat(event.details.get("day", ""))
        except (TypeError, ValueError):
            continue
        if (event.action, event.result) == (Action.VERIFICATION, "failed"):
            failed.setdefault(day, event.at)
        elif (event.action, event.result) in {(Action.VERIFICATION, "passed"), (Action.BACKUP, "stored")}:
            failed.pop(day, None)
    return dict(sorted(failed.items())[-MAX_FAILED_DAYS:])
