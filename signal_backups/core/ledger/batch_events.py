"""Recording what was done to many objects, as events of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.event import Action, Event, ObjectName, Result

#: Keeps an event below 64 KB, with names of the usual length and a line or two about each item.
ITEMS_AN_EVENT = 150
#: How many characters of a problem's text an event keeps.
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
    """Name a version as events do."""
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
    """Record what was done to some items, in one event or several; returns the last.

    Args:
        trail: where to.
        action: what was done.
        result: how it ended.
        items: to what it was done.
        objects_of: names the stored versions of some of the items.
        details_of: the details of some of the items.
    """
    event = None
    for start in range(0, max(len(items), 1), ITEMS_AN_EVENT):
        part = items[start : start + ITEMS_AN_EVENT]
        event = trail.record(action, result, objects_of(part), details_of(part))
    return event


def number_of(event: Event | None) -> int | None:
    """The number of an event; None when there is no event, or it waits in the outbox."""
    return event.number if event else None
