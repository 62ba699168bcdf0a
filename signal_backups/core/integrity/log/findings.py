"""What can be wrong with the audit trail and the manifest log."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class LogName(StrEnum):
    """The two logs."""

    EVENTS = "events"
    MANIFESTS = "manifests"


class Fault(StrEnum):
    """What is wrong."""

    #: The bytes are not those that were appended, or others were put over them.
    EDITED = "edited"
    #: It was there, and is gone or hidden behind a delete marker.
    REMOVED = "removed"
    #: It was never appended: it follows nothing.
    INSERTED = "inserted"
    #: Two writers took the same number.
    FORKED = "forked"
    #: It is stored under another number than its own.
    REORDERED = "reordered"
    #: It is not what has to be there at all.
    UNREADABLE = "unreadable"
    #: A segment, and not the log, is wrong.
    CHECKPOINT = "checkpoint"
    #: No event names the manifest.
    WITHOUT_EVENT = "without_event"
    #: The manifest is in the log, but not the current one of its day.
    UNFINISHED = "unfinished"
    #: An anchor contradicts the log.
    REWRITTEN = "rewritten"
    #: An anchor, and not the log, is wrong.
    ANCHOR = "anchor"


class LogFinding(BaseModel):
    """One thing that is wrong.

    Attributes:
        log: which log it is about.
        kind: what is wrong.
        number: the entry it is about; None for what is no entry.
        key: the object concerned.
        version_id: which version of it; None where it is about all of them, or there is none.
        words: what is wrong, for people.
    """

    model_config = ConfigDict(frozen=True)

    log: LogName
    kind: Fault
    number: int | None
    key: str
    version_id: str | None
    words: str


def each_once(findings: Iterable[LogFinding]) -> list[LogFinding]:
    """Each fault of an entry once, by number; findings without a number come last."""
    first: dict[object, LogFinding] = {}
    for finding in findings:
        place = finding.number if finding.number is not None else (finding.key, finding.words)
        first.setdefault((finding.log, finding.kind, place), finding)
    return sorted(first.values(), key=lambda one: (one.number is None, one.number or 0))
