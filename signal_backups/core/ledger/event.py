"""One event of the audit trail: who did what to which stored objects, when, with what result."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError

from signal_backups import __version__
from signal_backups.core.base.errors import VerificationError
from signal_backups.core.ledger.chained_log import Link

#: Version of the event's own fields.
EVENT_FORMAT = 1


class Action(StrEnum):
    """What an event is about."""

    BACKUP = "backup"
    VERIFICATION = "verification"
    RESTORE = "restore"
    THAW = "thaw"
    DRILL = "drill"
    POLICY_CHANGE = "policy_change"
    HOLD_PUT = "hold_put"
    HOLD_RELEASE = "hold_release"
    LOCK_EXTENSION = "lock_extension"
    UNDELETE = "undelete"
    #: A backup was replaced although the database had altered or lost signals of it.
    CHANGES_ACCEPTED = "changes_accepted"
    #: What an audit, a drill or a reconciliation found, or cleared.
    EXAMINATION = "examination"
    #: Whether the store keeps a locked version, and lets only one of several writers create an object.
    PROBE = "probe"
    #: Noticed, not done: this software never deletes a backup.
    DELETION = "deletion"


class Result(StrEnum):
    """How it ended. The values are stored for years: none may change or be removed."""

    FAILED = "failed"
    #: Of a verification, a drill, an examination or a probe.
    PASSED = "passed"
    #: Of a backup.
    STORED = "stored"
    UNCHANGED = "unchanged"
    #: Of a backup, when runs stored a day at the same time or broke off: a manifest of the log that does not stand, and
    #: one that was logged once more.
    OVERTAKEN = "overtaken"
    VOUCHED_AGAIN = "vouched again"
    #: Of a restore, besides ``FAILED``.
    RESTORED = "restored"
    THAWING = "thawing"
    INTERRUPTED = "interrupted"
    #: Of a thaw.
    REQUESTED = "requested"
    #: Of a change of the bucket's set-up.
    CHANGED = "changed"
    CHANGED_IN_PART = "changed in part"
    #: Of an examination: somebody looked into what it found.
    ACCEPTED = "accepted"
    #: Of accepted changes.
    REPLACED = "replaced"
    #: Of legal holds and locks.
    PUT = "put"
    RELEASED = "released"
    LOCKED = "locked"
    #: Of an undelete, besides ``FAILED``.
    COPIED_UP = "copied up"
    MARKERS_REMOVED = "markers removed"
    #: Of a deletion: a delete marker that is there, a version that is not.
    SEEN = "seen"
    GONE = "gone"


class Actor(BaseModel, frozen=True, extra="forbid"):
    """Who did it: user and machine, the Dagster run if there is one, and the version of the code."""

    user: str
    host: str
    run_id: str = ""
    code_version: str = __version__

    @classmethod
    def here(cls, run_id: str = "") -> Actor:
        """This process."""
        return cls(user=_user(), host=socket.gethostname(), run_id=run_id)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # in a container a user may have no name


class ObjectName(BaseModel, frozen=True, extra="forbid"):
    """One version of one object."""

    key: str
    version_id: str


class Occurrence(BaseModel, frozen=True, extra="forbid"):
    """What happened, before it has its place in the trail.

    ``at`` is UTC, ``details`` are JSON's own types. ``result`` is a ``Result`` in every event written here; as text,
    an event with a result of another release can still be read.
    """

    id: str = Field(default_factory=lambda: uuid4().hex)
    at: datetime
    actor: Actor
    action: Action
    result: str
    objects: list[ObjectName] = []
    details: Mapping[str, Any] = {}

    def to_bytes(self, link: Link) -> bytes:
        """The event as it is stored at its place: one line of ASCII JSON."""
        event = Event(number=link.number, previous=link.previous, **self.model_dump())
        return (json.dumps(event.model_dump(mode="json"), sort_keys=True) + "\n").encode("ascii")


class Event(Occurrence):
    """One event of the trail: ``number`` counts from 1, ``previous`` is the SHA-256 of the event before."""

    format: int = EVENT_FORMAT
    number: int
    previous: str

    @classmethod
    def from_bytes(cls, body: bytes, name: str) -> Event:
        """Read a stored event.

        Raises:
            VerificationError: the object is not an event.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise VerificationError(
                f"{name} is not an event: {error.error_count()} findings, first: {error.errors()[0]['msg']}",
                remedy="See what else is wrong with: signal-backups audit verify",
            ) from error
