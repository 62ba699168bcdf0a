"""The journal of an unfinished restore, so that the same command continues it and its own days are no conflicts.

A successful restore deletes its journal, so the same command run again reports the signals that are there as conflicts.
Of two simultaneous restores into one target only one has a journal; otherwise each would take the other's days for its
own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from signal_backups.core.base import file_locks
from signal_backups.core.base.local_files import written_locally


class _Entries(BaseModel):
    target: str
    versions: list[str] = []


@contextmanager
def restore_journal(folder: Path, target: str) -> Iterator[RestoreJournal | None]:
    """Open the journal of a target; None while another restore into the target has it open.

    Raises:
        LocalStorageError: it cannot be written.
    """
    with ExitStack() as held:
        with written_locally(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = file_locks.exclusive_or_not(_file_of(folder, target).with_suffix(".lock"))
            is_ours = held.enter_context(lock)
        yield RestoreJournal(folder, target) if is_ours else None


class RestoreJournal:
    """The versions that an unfinished restore into a target has imported or started to import."""

    def __init__(self, folder: Path, target: str) -> None:
        self._path = _file_of(folder, target)
        self._entries = _Entries(target=target)
        if self._path.is_file():
            # A crash can leave an incomplete file, which is ignored.
            with suppress(ValidationError):
                self._entries = _Entries.model_validate_json(self._path.read_text(encoding="utf-8"))

    def contains(self, version: str) -> bool:
        """Return whether an unfinished restore started to import a version."""
        return version in self._entries.versions

    def add(self, version: str) -> None:
        """Add a version that is about to be imported."""
        if not self.contains(version):
            self._entries.versions.append(version)
            self._write()

    def remove(self, version: str) -> None:
        """Remove a version that was not imported after all."""
        if self.contains(version):
            self._entries.versions.remove(version)
            self._write()

    def close(self) -> None:
        """Delete the journal, because the restore is complete."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        with written_locally(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._path.with_suffix(".unfinished")
            unfinished.write_text(self._entries.model_dump_json(indent=2), encoding="utf-8")
            unfinished.replace(self._path)


def _file_of(folder: Path, target: str) -> Path:
    return folder / f"{hashlib.sha256(target.encode('utf-8')).hexdigest()[:16]}.json"
