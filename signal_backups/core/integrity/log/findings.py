"""What can be wrong with the audit trail and the manifest log."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel


class LogName(StrEnum):
    """The two logs."""

    EVENTS = "events"
    MANIFESTS = "manifests"


class Fault(StrEnum):
    """The kinds of findings."""

    #: The entry was changed or overwritten.
    EDITED = "edited"
    #: The entry was deleted, or is hidden by a delete marker.
    REMOVED = "removed"
    #: The entry or object was never appended by this software.
    INSERTED = "inserted"
    #: Two writers took the same number.
    FORKED = "forked"
    #: The entry is stored under another number than its own.
    REORDERED = "reordered"
    #: The object is not an entry at all.
    UNREADABLE = "unreadable"
    #: A segment is wrong, the log itself is not.
    SEGMENT = "checkpoint"
    #: No event names the manifest.
    WITHOUT_EVENT = "without_event"
    #: The newest manifest of a day is in the log, but not stored for the day: its backup was interrupted.
    UNFINISHED = "unfinished"
    #: An anchor contradicts the log.
    REWRITTEN = "rewritten"
    #: An anchor is wrong, the log itself is not.
    ANCHOR = "anchor"


class LogFinding(BaseModel, frozen=True):
    """One thing that is wrong with a log.

    Attributes:
        log: the log.
        kind: the kind of finding.
        number: the number of the entry; None for an object that is not an entry.
        key: the key of the object.
        version_id: the version of the object; None when all versions are concerned, or none exists.
        words: what is wrong, for people.
    """

    log: LogName
    kind: Fault
    number: int | None
    key: str
    version_id: str | None
    words: str

    def __str__(self) -> str:
        """The finding in one line; the same as long as the same is wrong."""
        return f"{self.log} {self.number or self.key}: {self.words}"


def without_duplicates(findings: Iterable[LogFinding]) -> list[LogFinding]:
    """Keep the first finding of a kind for each entry; sorted by number, findings without a number last."""
    first: dict[object, LogFinding] = {}
    for finding in findings:
        place = finding.number if finding.number is not None else (finding.key, finding.words)
        first.setdefault((finding.log, finding.kind, place), finding)
    return sorted(first.values(), key=lambda one: (one.number is None, one.number or 0))
