"""Manifests that are about to be logged: if the process is killed before it records the event, a later one does.

An announcement is a file of the outbox, written before the manifest and removed after its event. Its writer holds a
file lock on it, which the system releases when it dies: only then may somebody else see whether it was logged.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError


class AnnouncedManifest(BaseModel, frozen=True):
    """A manifest by its day, its number in the manifest log and its SHA-256; whether it was logged, nobody knows."""

    day: date
    number: int
    sha256: str

    @property
    def details(self) -> dict[str, object]:
        """How an event names the manifest."""
        return {"number": self.number, "sha256": self.sha256}


class HeldAnnouncement:
    """An announcement whose file lock this object holds, until it is withdrawn or this process ends."""

    def __init__(self, path: Path, handle: int, manifest: AnnouncedManifest) -> None:
        self._path = path
        self._handle = handle
        self.manifest = manifest

    @classmethod
    def create(cls, folder: Path, manifest: AnnouncedManifest) -> Self:
        """Write an announcement.

        Raises:
            OSError: the file cannot be written, or another process has just announced the same.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{manifest.number:010d}_{manifest.sha256[:16]}.announced"
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        held = cls(path, handle, manifest)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.truncate(handle, 0)
        os.write(handle, manifest.model_dump_json().encode())
        os.fsync(handle)
        return held

    def withdraw(self) -> None:
        """Remove it: the event is recorded, or there is nothing to record."""
        self._path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Leave it to others, as the end of this process would."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __del__(self) -> None:
        self.release()


def abandoned(folder: Path) -> Iterator[HeldAnnouncement]:
    """The announcements whose writers are gone, each held by this process as soon as it is yielded."""
    for path in sorted(folder.glob("*.announced")):
        with suppress(OSError):  # its writer is alive, or has just removed it
            handle = os.open(path, os.O_RDWR)
            held = HeldAnnouncement(path, handle, AnnouncedManifest(day=date.min, number=0, sha256=""))
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                held.manifest = AnnouncedManifest.model_validate_json(os.pread(handle, 4096, 0))
            except ValidationError:
                held.withdraw()  # killed while it was written, so that nothing followed
                continue
            yield held
