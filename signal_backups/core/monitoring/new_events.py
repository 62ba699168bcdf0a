"""What the audit trail says since it was read last: days that did not verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.event import Event
from signal_backups.core.ledger.tail import read_events, versions_after
from signal_backups.core.monitoring.verifications import LastTries, Tried, failing, note_verification

#: How many events are read at a time, a request each.
MAX_EVENTS = 100
#: How many days that did not verify are remembered, the newest.
MAX_FAILED_DAYS = 100


def events_after(trail: AuditTrail, number: int | None) -> tuple[list[Event], int]:
    """The events after one, at most ``MAX_EVENTS`` of them, and the number to go on from.

    An event that is missing or cannot be read is passed over: that is for the examination of the trail to tell.

    Args:
        trail: the trail.
        number: of the last event read; None: begin with the last ``MAX_EVENTS``.
    """
    versions = {} if number is None else versions_after(trail.log, number - 1)
    if number is None or not versions:
        # Nothing was read yet, or what was read last is gone: new events may get lower numbers now.
        head = trail.log.head()
        number = max(0, head.number - MAX_EVENTS) if head else 0
        versions = versions_after(trail.log, number)
    versions.pop(number, None)
    new = dict(islice(versions.items(), MAX_EVENTS))
    return read_events(trail.log, new.values()), max(new, default=number)


def failed_verifications(before: Mapping[date, datetime], events: Sequence[Event]) -> dict[date, datetime]:
    """The days whose last verification failed, and since when (UTC); of more than can be remembered the newest."""
    last: LastTries = {day: Tried(since, since, False) for day, since in before.items()}
    for event in events:
        note_verification(last, event)
    return dict(list(failing(last).items())[-MAX_FAILED_DAYS:])
