"""When each verified day was last read back from the store, and which was read longest ago."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from signal_backups.core.ledger.event import Action, Event
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.day_state import DayState


class OldestRead(NamedTuple):
    """The day that was read longest ago, and when that was (UTC)."""

    day: date
    at: datetime


def last_reads(observation: Observation, read_at: Mapping[date, datetime]) -> dict[date, datetime]:
    """When each verified day was last read back (UTC), oldest day first.

    A backup was read when it was made. Days in any other state ask for attention as they are.

    Args:
        observation: what is stored.
        read_at: what the audit trail says, see ``verifications.read_at``.
    """
    made = {
        day: stored.manifest.verification.verified_at
        for day, stored in observation.stored.items()
        if stored.manifest is not None and observation.days.get(day) is DayState.VERIFIED
    }
    return {day: max(at, read_at.get(day, at)) for day, at in made.items()}


def oldest_read(reads: Mapping[date, datetime]) -> OldestRead | None:
    """The day that was read longest ago; None when there is no day."""
    return min((OldestRead(day, at) for day, at in reads.items()), key=lambda read: (read.at, read.day), default=None)


def oldest_read_details(oldest: OldestRead | None) -> dict[str, Any]:
    """What the event of a scrub says of the day that is unread for longest after it; nothing when there is none."""
    return {"oldest_unread": {"day": str(oldest.day), "read_at": oldest.at.isoformat()}} if oldest else {}


def all_read_since(before: datetime | None, events: Iterable[Event]) -> datetime | None:
    """Since when (UTC) every verified day has been read, as the newest scrub says; None: there was none.

    Args:
        before: what was known before these events.
        events: the newer events, in their order.
    """
    for event in events:
        if event.action is Action.VERIFICATION and "days" in event.details:
            before = _said_by(event) or before
    return before


def _said_by(event: Event) -> datetime | None:
    # A scrub that found no verified day names none: nothing is unread.
    unread = event.details.get("oldest_unread", {"read_at": event.at.isoformat()})
    try:
        read_at = datetime.fromisoformat(unread["read_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return read_at if read_at.tzinfo is not None else None
