"""Events that could not be written, kept on this machine until they can.

What belongs here: keeping them, and writing each once. What does not: why the store was out of reach.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from signal_backups.core.locks import exclusive
from signal_backups.core.trail.event import Event, Occurrence
from signal_backups.core.trail.numbered_log import Link, NumberedLog


class _Waiting(BaseModel):
    """An event and the numbers it was tried with: a store may take one and its answer be lost."""

    model_config = ConfigDict(frozen=True)

    occurrence: Occurrence
    tried: list[int]


class Outbox:
    """A folder with a file for each event that waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def waiting(self) -> list[Path]:
        """The files of the events that wait, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def keep(self, occurrence: Occurrence, tried: list[int]) -> Path:
        """Keep an event that may not have been stored."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{occurrence.at:%Y%m%dT%H%M%S%fZ}_{occurrence.id}.json"
        _save(path, _Waiting(occurrence=occurrence, tried=tried))
        return path

    def write_to(self, log: NumberedLog) -> int:
        """Write what waits, and return how many events that were.

        Raises:
            SignalBackupsError: the store cannot be written to; what is not written keeps waiting.
        """
        if not self.waiting():
            return 0
        written = 0
        with exclusive(self.folder / "lock"):
            for path in self.waiting():
                _write(path, log)
                written += 1
        return written


def append(log: NumberedLog, occurrence: Occurrence, trying: Callable[[int], None]) -> Event:
    """Store an event as the last of a trail; ``trying`` is told each number before it is tried.

    Raises:
        SignalBackupsError: the store cannot be written to, or did not answer.
    """

    def body_of(link: Link) -> bytes:
        trying(link.number)
        return occurrence.to_bytes(link)

    entry = log.append(body_of)
    return Event.from_bytes(entry.body, log.store.uri(entry.key))


def _write(path: Path, log: NumberedLog) -> None:
    waiting = _Waiting.model_validate_json(path.read_bytes())
    tried = list(waiting.tried)

    def trying(number: int) -> None:
        # Before the request: this process may be killed before it knows how that ended.
        tried.append(number)
        _save(path, waiting.model_copy(update={"tried": tried}))

    if not any(_is_stored(log, number, waiting.occurrence) for number in tried):
        append(log, waiting.occurrence, trying)
    path.unlink()


def _is_stored(log: NumberedLog, number: int, occurrence: Occurrence) -> bool:
    entry = log.entry(number)
    # Not parsed: what somebody made of another event must not keep this one from being written.
    return entry is not None and occurrence.id.encode() in entry.body


def _save(path: Path, waiting: _Waiting) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(waiting.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
