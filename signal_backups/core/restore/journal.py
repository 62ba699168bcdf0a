"""What an interrupted restore had done, so that running it again goes on instead of stumbling over its own days.

A restore that ends well leaves no journal: the same command, given anew, meets the signals that are there as any other
restore would. Of two restores into one target at once, one keeps the journal: or each would take the other's days for
its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from signal_backups.core.base import file_locks


class _Entries(BaseModel):
    target: str
    versions: list[str] = []


@contextmanager
def restore_journal(folder: Path, target: str) -> Iterator[RestoreJournal | None]:
    """The journal of restores into a target; None while another restore into it keeps one."""
    folder.mkdir(parents=True, exist_ok=True)
    with file_locks.exclusive_or_not(_file_of(folder, target).with_suffix(".lock")) as is_ours:
        yield RestoreJournal(folder, target) if is_ours else None


class RestoreJournal:
    """The versions that an unfinished restore into one target has imported, or was importing."""

    def __init__(self, folder: Path, target: str) -> None:
        self._path = _file_of(folder, target)
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


def _file_of(folder: Path, target: str) -> Path:
    return folder / f"{hashlib.sha256(target.encode('utf-8')).hexdigest()[:16]}.json"
