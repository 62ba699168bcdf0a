"""What an interrupted restore had done, so that running it again goes on instead of stumbling over its own days.

A restore that ends well leaves no journal: the same command, given anew, meets the signals that are there as any other
restore would.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError


class _Entries(BaseModel):
    target: str
    versions: list[str] = []


class RestoreJournal:
    """The versions that an unfinished restore into one target has imported, or was importing."""

    def __init__(self, folder: Path, target: str) -> None:
        name = hashlib.sha256(target.encode("utf-8")).hexdigest()[:16]
        self._path = folder / f"{name}.json"
        self._entries = _Entries(target=target)
        if self._path.is_file():
            # One that a crash cut off while it was written says nothing.
            with suppress(ValidationError):
                self._entries = _Entries.model_validate_json(self._path.read_text(encoding="utf-8"))

    def knows(self, version: str) -> bool:
        """Whether an unfinished restore got as far as this version."""
        return version in self._entries.versions

    def begin(self, version: str) -> None:
        """Note that a version is about to be imported."""
        if not self.knows(version):
            self._entries.versions.append(version)
            self._write()

    def forget(self, version: str) -> None:
        """Note that a version was not imported after all."""
        if self.knows(version):
            self._entries.versions.remove(version)
            self._write()

    def close(self) -> None:
        """The restore is complete."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(self._entries.model_dump_json(indent=2), encoding="utf-8")
        unfinished.replace(self._path)
