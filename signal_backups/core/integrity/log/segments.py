"""Segments: all entries of a finished folder in one object, so that a long log is examined with few requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.ledger.chained_log import FOLDER_SIZE, ChainedLog
from signal_backups.core.ledger.segment_line import Line
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault

_JSON_LINES_TYPE = "application/jsonl"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Segment:
    """The version of a segment, and its entries by number."""

    stored: ObjectVersion
    lines: Mapping[int, Line]


class Segments:
    """The segments of one log; like entries, each is created once and never changed."""

    def __init__(self, vault: BackupVault, name: LogName) -> None:
        self.name = name
        self.log: ChainedLog = vault.trail.log if name is LogName.EVENTS else vault.manifest_log
        self._prefix = f"{vault.layout.segment_prefix}{name}_"

    def key_of(self, folder: int) -> str:
        """Key of the segment of a folder."""
        return f"{self._prefix}{folder:07d}.jsonl"

    def folder_of(self, key: str) -> int | None:
        """Inverse of ``key_of``; None when the key is not that of a segment."""
        digits = key.removeprefix(self._prefix).removesuffix(".jsonl")
        folder = int(digits) if digits.isdecimal() and digits.isascii() else -1
        return folder if folder >= 0 and self.key_of(folder) == key else None

    def versions(self) -> dict[int, list[ObjectVersion]]:
        """Every version and delete marker of every segment, by folder, newest first."""
        found: dict[int, list[ObjectVersion]] = {}
        for version in self.log.store.list_versions(self._prefix):
            folder = self.folder_of(version.key)
            if folder is not None:
                found.setdefault(folder, []).append(version)
        return found

    def read(self, folder: int, version: ObjectVersion) -> Segment:
        """Read one version of a segment.

        Raises:
            VerificationError: it does not contain each entry of the folder exactly once.
        """
        body, _ = self.log.store.get_bytes(version.key, version.version_id)
        try:
            lines = [Line.model_validate_json(line) for line in body.splitlines()]
        except ValidationError as error:
            raise VerificationError(f"is not a segment: {error.errors()[0]['msg']}") from error
        if [self.log.number_of(line.key) for line in lines] != list(numbers_of(folder)):
            raise VerificationError(f"does not contain entries {numbers_of(folder).start} to {numbers_of(folder)[-1]}")
        return Segment(version, dict(zip(numbers_of(folder), lines, strict=True)))

    def write(self, folder: int, lines: Iterable[Line]) -> str:
        """Create the segment of a folder, and return its key.

        Raises:
            ConflictError: the segment exists already, with other bytes.
        """
        body = "".join(line.model_dump_json() + "\n" for line in lines).encode()
        self.log.store.create_bytes(self.key_of(folder), body, _JSON_LINES_TYPE)
        return self.key_of(folder)


def numbers_of(folder: int) -> range:
    """The numbers of the entries in a folder; the log starts with number 1."""
    return range(max(1, folder * FOLDER_SIZE), (folder + 1) * FOLDER_SIZE)


def by_folder(entries: Mapping[int, Value]) -> dict[int, dict[int, Value]]:
    """Group values by the folder of their number."""
    found: dict[int, dict[int, Value]] = {}
    for number, value in entries.items():
        found.setdefault(number // FOLDER_SIZE, {})[number] = value
    return found
