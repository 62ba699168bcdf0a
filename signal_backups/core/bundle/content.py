"""What a bundle holds: its files, and ``bundle.json``, which says what they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp
from signal_backups.core.vault.manifest import Manifest

SUMS = "SHA256SUMS"
INDEX = "bundle.json"
EVENTS = "events.jsonl"
PAGE = "index.html"
VERIFIER = "verify.py"
MANIFESTS = "manifests/"
ANCHORS = "anchors/"
#: Folder of backups that no manifest of the log vouches for.
UNVOUCHED = "unvouched/"
#: Folder of vouched versions that were replaced; below it a folder named after the number of their manifest.
REPLACED = "replaced/"
#: Files that every bundle has.
ALWAYS_THERE = frozenset({SUMS, INDEX, EVENTS, PAGE, VERIFIER})


class DayEntry(BaseModel, frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True):
    """One day of ``bundle.json``; what does not apply is None, and left out of the file.

    Attributes:
        day: the day (UTC).
        csv: the backup that the day's newest manifest names.
        quarantine: the rows that were kept out of it.
        manifest: number of that manifest in the log; None when the log has none of this day.
        records: records of the CSV.
        missing: why something is not there that should be.
        unvouched: a backup that only the store speaks of.
    """

    day: date
    csv: str | None = None
    quarantine: str | None = None
    manifest: int | None = None
    records: int | None = None
    missing: str | None = None
    unvouched: list[str] | None = None

    @property
    def is_lost(self) -> bool:
        """Whether a file is not there although a manifest of the log vouches for it."""
        return self.manifest is not None and self.missing is not None


class Totals(BaseModel, frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True):
    """All days together."""

    days: int
    backed_up: int
    records: int

    @classmethod
    def of(cls, days: Sequence[DayEntry]) -> Totals:
        """The totals of some days."""
        records = [day.records or 0 for day in days if day.csv is not None]
        return cls(days=len(days), backed_up=len(records), records=sum(records))


class BundleIndex(BaseModel, frozen=True, extra="forbid", strict=True, validate_by_name=True, validate_by_alias=True):
    """``bundle.json``; ``statement`` is the exact text of the tree head when the bundle was made."""

    format: Literal[1] = 1
    bucket: str
    prefix: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    made_at: str
    by: str
    statement: str
    days: list[DayEntry]
    totals: Totals

    def to_bytes(self) -> bytes:
        """The file: indented JSON, ASCII."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return (json.dumps(document, indent=2) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, body: bytes) -> BundleIndex:
        """Read the file.

        Raises:
            VerificationError: it is none, or not written exactly as ``to_bytes`` writes it.
        """
        try:
            index = cls.model_validate_json(body)
        except ValidationError as error:
            raise VerificationError(f"not that of a bundle: {error.errors()[0]['msg']}") from error
        if index.to_bytes() != body:
            raise VerificationError("not written as that of a bundle is")
        return index


@dataclass(frozen=True)
class BundleFile:
    """A file of a bundle: its name, with / between folders, and its bytes, or where they are on disk."""

    name: str
    source: bytes | Path


@dataclass(frozen=True)
class BundleDay:
    """A day and its files; those on disk stay there until the next day is asked for."""

    entry: DayEntry
    files: Sequence[BundleFile] = ()


@dataclass(frozen=True)
class BundleContent:
    """All that goes into a bundle.

    Attributes:
        bucket: whose backups they are.
        prefix: which of its backups.
        first: first day (UTC).
        last: last day, included.
        made_at: when the logs were read (UTC).
        statement: the exact bytes of the tree head of that time.
        manifests: the exact bytes of every manifest of the log, from number 1 on.
        events: the same of the audit trail; each is one line.
        anchors: anchors by file name, exact bytes.
        days: every day of the range, in order; may be read from the store as they are asked for.
    """

    bucket: str
    prefix: str
    first: date
    last: date
    made_at: datetime
    statement: bytes
    manifests: Sequence[bytes]
    events: Sequence[bytes]
    anchors: dict[str, bytes]
    days: Iterable[BundleDay]


def instant(at: datetime) -> str:
    """An instant as written in ``bundle.json`` and in tree heads."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def is_file_name(name: str) -> bool:
    """Whether the name leads to a file inside, everywhere: a key of the bucket could be anything."""
    path = PurePosixPath(name)
    return name.isprintable() and str(path) == name and not path.is_absolute() and not {"..", "."} & set(path.parts)


def beside_zip(path: Path) -> Path:
    """The file beside a ZIP that holds its SHA-256."""
    return path.with_name(f"{path.name}.sha256")


def manifest_name(number: int) -> str:
    """Name of a manifest of the log."""
    return f"{MANIFESTS}{number:010d}.json"


def replaced_name(manifest: Manifest) -> str:
    """Name of a vouched version that was replaced."""
    return f"{REPLACED}{manifest.number or 0:010d}/{manifest.backup.key}"


def statement_name(anchor: str) -> str:
    """Name of the file that holds an anchor's tree head, for OpenSSL."""
    return f"{anchor.removesuffix('.json')}.statement.json"


def stamp_name(anchor: str, number: int) -> str:
    """Name of the file that holds one of an anchor's time stamps (DER), from 1, for OpenSSL."""
    return f"{anchor.removesuffix('.json')}.{number}.tsr"


def token_of(stamp: Timestamp) -> bytes:
    """A time stamp as its authority gave it (DER).

    Raises:
        VerificationError: it is not Base64.
    """
    try:
        return base64.b64decode(stamp.token, validate=True)
    except ValueError as error:
        raise VerificationError(f"the time stamp of {stamp.authority} is not Base64") from error
