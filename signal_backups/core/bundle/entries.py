"""What a check reads of the entries of both chains: no more than the stand-alone verifier does, and as exactly.

What belongs here: those fields, read so that both verifiers take the same texts for an entry. What does not: holding
them against each other (``checking``); all that manifests and events say (``manifest``, ``trail.event``).
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.bundle.content import DayEntry
from signal_backups.core.signals.verify_csv import Expected


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


Read = TypeVar("Read", bound=_Model)


class ChainEntry(_Model):
    """An entry's place: ``number`` counts from 1, ``previous`` is the SHA-256 (hex) of the entry before."""

    number: int
    previous: str


class ManifestEntry(ChainEntry):
    """A manifest, whether or not it is the one that counts for its day (UTC, ISO 8601)."""

    day: str


class EventEntry(ChainEntry):
    """An event; of its details only ``manifest`` matters."""

    details: dict[Any, Any]


class Written(_Model):
    """What an event says of the manifest that was written."""

    number: int
    sha256: str


class VouchedFile(_Model):
    """A file that a manifest vouches for: its name, size in bytes and SHA-256 (hex)."""

    key: str
    bytes: int
    sha256: str


class Vouched(_Model):
    """What the manifest that counts for a day says of its files."""

    number: int
    backup: VouchedFile
    quarantine: VouchedFile | None
    records: int
    merkle_root: str

    @property
    def expected(self) -> Expected:
        """What the CSV must be."""
        return Expected(records=self.records, bytes=self.backup.bytes, sha256=self.backup.sha256)

    def entry(self, day: date) -> DayEntry:
        """What ``bundle.json`` has to say of the day."""
        quarantine = self.quarantine.key if self.quarantine else None
        return DayEntry(day=day, csv=self.backup.key, quarantine=quarantine, manifest=self.number, records=self.records)


def read_as(model: type[Read], document: object) -> Read:
    """Read what JSON holds.

    Raises:
        VerificationError: a field is missing, or of another type.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise VerificationError(f"cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def read_json(model: type[Read], body: bytes) -> Read:
    """Read the exact bytes of an entry; as lenient as Python's JSON is, like the stand-alone verifier.

    Raises:
        VerificationError: it is no JSON, or a field is missing, or of another type.
    """
    try:
        return read_as(model, json.loads(body.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise VerificationError(f"is not JSON: {error}") from error
