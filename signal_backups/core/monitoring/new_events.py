"""Reads the audit events since the last read, and finds the days whose verification failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import islice

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.event import Event
from signal_backups.core.ledger.tail import read_events, versions_after
from signal_backups.core.monitoring.verifications import LastResult, LastResults, failing_days, note_verification

#: How many events are read at a time; each is one request.
MAX_EVENTS = 100
#: How many failing days are kept; the oldest are dropped.
MAX_FAILED_DAYS = 100


def events_after(trail: AuditTrail, number: int | None) -> tuple[list[Event], int]:
    """Return up to ``MAX_EVENTS`` events after one, and the number to continue from.

    Missing and unreadable events are skipped; examining the trail reports them.

    Args:
        trail: the trail.
        number: number of the last event read; None: start with the last ``MAX_EVENTS``.
    """
    versions = {} if number is None else versions_after(trail.log, number - 1)
    if number is None or not versions:
        # Nothing was read yet, or the event read last is gone: new events may get lower numbers now.
        head = trail.log.head()
        number = max(0, head.number - MAX_EVENTS) if head else 0
        versions = versions_after(trail.log, number)
    versions.pop(number, None)
    new = dict(islice(versions.items(), MAX_EVENTS))
    return read_events(trail.log, new.values()), max(new, default=number)


def failed_verifications(before: Mapping[date, datetime], events: Sequence[Event]) -> dict[date, datetime]:
    """Return the days whose last verification failed, and since when (UTC); the newest ``MAX_FAILED_DAYS`` of them."""
    last: LastResults = {day: LastResult(since, since, False) for day, since in before.items()}
    for event in events:
        note_verification(last, event)
    return dict(list(failing_days(last).items())[-MAX_FAILED_DAYS:])
