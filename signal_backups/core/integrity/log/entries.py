"""What an examination keeps of a log entry: its number, its hashes, and what the other log has to agree with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.ledger.event import Event
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.manifest import Manifest


class Claim(NamedTuple):
    """The manifest that an event names."""

    number: int
    sha256: str


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """A log entry without its bytes.

    Attributes:
        number: the number it says it has.
        previous: the SHA-256 (hex) of the entry before, as it says.
        sha256: its own, of its bytes.
        stored: the version that holds it.
        identity: what two different entries never share, however they are edited: the event's id, the backup's version.
        at: when it happened, as it says (UTC).
        claim: of an event: the manifest it names.
        day: of a manifest: its day (UTC).
        backup_key: of a manifest: the backup it vouches for.
    """

    number: int
    previous: str
    sha256: str
    stored: ObjectVersion
    identity: str
    at: datetime
    claim: Claim | None = None
    day: date | None = None
    backup_key: str = ""


def read_entry(name: LogName, stored: ObjectVersion, body: bytes) -> EntrySummary:
    """Read an entry of a log.

    Raises:
        VerificationError: it is none.
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
        claim=claim_of(event.details),
    )


def claim_of(details: Mapping[str, Any]) -> Claim | None:
    """The manifest that an event's details name; None when they name none."""
    match details.get("manifest"):
        case {"number": int(number), "sha256": str(digest)}:
            return Claim(number, digest)
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
