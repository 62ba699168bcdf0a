"""Reading a log entry as an ``EntrySummary``: what an examination needs, without the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.ledger.event import Event, Result
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.manifest import Manifest


class ManifestReference(NamedTuple):
    """The number and SHA-256 (hex) by which an event names a manifest."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """A log entry without its bytes; what the entry itself says is not verified.

    Attributes:
        number: its number, as it says.
        previous: the SHA-256 (hex) of the entry before, as it says.
        sha256: the SHA-256 (hex) of its bytes.
        stored: the version that it was read from.
        identity: distinguishes two different entries even after edits: the event's id, or the backup's version id.
        at: its time (UTC), as it says.
        manifest: of an event: the manifest that it names.
        is_standing: of an event: whether that manifest was the manifest of its day when the event was recorded.
        day: of a manifest: its day (UTC).
        backup_key: of a manifest: the backup that it vouches for.
    """

    number: int
    previous: str
    sha256: str
    stored: ObjectVersion
    identity: str
    at: datetime
    manifest: ManifestReference | None = None
    is_standing: bool = False
    day: date | None = None
    backup_key: str = ""


def read_entry(name: LogName, stored: ObjectVersion, body: bytes) -> EntrySummary:
    """Read an entry of a log.

    Raises:
        VerificationError: the bytes are not an entry.
    """
    return _event(stored, body) if name is LogName.EVENTS else _manifest(stored, body)


def _event(stored: ObjectVersion, body: bytes) -> EntrySummary:
    event = Event.from_bytes(body, "it")
    return EntrySummary(
        number=event.number,
        previous=event.previous,
        sha256=sha256(body).hexdigest(),
        stored=stored,
        identity=event.id,
        at=event.at,
        manifest=manifest_reference(event.details),
        is_standing=event.result != Result.OVERTAKEN,
    )


def manifest_reference(details: Mapping[str, Any]) -> ManifestReference | None:
    """The manifest that the details of an event name; None when there is none."""
    match details.get("manifest"):
        case {"number": int(number), "sha256": str(digest)}:
            return ManifestReference(number, digest)
    return None


def _manifest(stored: ObjectVersion, body: bytes) -> EntrySummary:
    manifest = Manifest.from_bytes(body, "it")
    if manifest.number is None or manifest.previous is None:
        raise VerificationError("it is a manifest without a number in the log")
    return EntrySummary(
        number=manifest.number,
        previous=manifest.previous,
        sha256=sha256(body).hexdigest(),
        stored=stored,
        identity=manifest.backup.version_id,
        at=manifest.finished_at,
        day=manifest.day,
        backup_key=manifest.backup.key,
    )
