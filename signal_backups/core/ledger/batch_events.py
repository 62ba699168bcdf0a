"""Recording what was done to many objects at once, as events of a bounded size.

What belongs here: naming objects and splitting what is done to many. What does not: storing events (``trail``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.event import Action, Event, ObjectName, Result

#: With names of a usual length, and a line or two about each, an event stays below 64 KB.
ITEMS_AN_EVENT = 150
#: How much of a problem's text an event takes.
PROBLEM_LENGTH = 100


class Versioned(Protocol):
    """Anything that names one version of an object."""

    @property
    def key(self) -> str:
        """The object's key."""

    @property
    def version_id(self) -> str:
        """The version."""


_Item = TypeVar("_Item")


def named(version: Versioned) -> ObjectName:
    """The names of a version, as an event has them."""
    return ObjectName(key=version.key, version_id=version.version_id)


def record_several(
    trail: AuditTrail,
    action: Action,
    result: Result,
    items: Sequence[_Item],
    *,
    objects_of: Callable[[Sequence[_Item]], Sequence[ObjectName]],
    details_of: Callable[[Sequence[_Item]], Mapping[str, Any]],
) -> Event | None:
    """Record what was done to some items: one event, more when they are many; returns the last.

    Args:
        trail: where.
        action: what was done.
        result: what came of it.
        items: what it was done to.
        objects_of: the stored versions among some of them.
        details_of: what there is to say of some of them.
    """
    event = None
    for start in range(0, max(len(items), 1), ITEMS_AN_EVENT):
        part = items[start : start + ITEMS_AN_EVENT]
        event = trail.record(action, result, objects_of(part), details_of(part))
    return event


def number_of(event: Event | None) -> int | None:
    """The number of an event; None when there is none, or it still waits for one."""
    return event.number if event else None
