"""The outbox: events that could not be stored are kept on this machine until they can be, each exactly once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ValidationError

from signal_backups.core.base.file_locks import exclusive
from signal_backups.core.ledger.chained_log import ChainedLog, Link
from signal_backups.core.ledger.event import Event, Occurrence

_log = logging.getLogger(__name__)


class _Waiting(BaseModel, frozen=True):
    """An event and the numbers it was tried with: the store may have taken it although no answer came."""

    occurrence: Occurrence
    tried: list[int]


class Outbox:
    """A folder with a file for each event that waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def waiting(self) -> list[Path]:
        """The files of the events that wait, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def occurrences(self) -> list[Occurrence]:
        """The events that wait, oldest first, without those that cannot be read."""
        found = []
        for path in self.waiting():
            with suppress(OSError, ValidationError):  # another process may have stored it meanwhile
                found.append(_read(path).occurrence)
        return found

    def keep(self, occurrence: Occurrence, tried: list[int]) -> Path:
        """Keep an event of which it is not known that it was stored.

        Raises:
            OSError: the file cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{occurrence.at:%Y%m%dT%H%M%S%fZ}_{occurrence.id}.json"
        _save(path, _Waiting(occurrence=occurrence, tried=tried))
        return path

    def write_to(self, log: ChainedLog) -> int:
        """Store the events that wait, and return how many; a folder that cannot be used is logged as a warning.

        Raises:
            SignalBackupsError: the store cannot be written to; events that are not stored keep waiting.
        """
        if not self.waiting():
            return 0
        written = 0
        try:
            with exclusive(self.folder / "lock"):
                for path in self.waiting():
                    written += _write(path, log)
        except OSError as error:
            _log.warning("the audit events in %s keep waiting: %s", self.folder, error)
        return written


def append(log: ChainedLog, occurrence: Occurrence, trying: Callable[[int], None]) -> Event:
    """Store an event as the last of a trail; ``trying`` is called with each number before it is tried.

    Raises:
        SignalBackupsError: the store cannot be written to, or did not answer.
    """

    def body_of(link: Link) -> bytes:
        trying(link.number)
        return occurrence.to_bytes(link)

    entry = log.append(body_of)
    return Event.from_bytes(entry.body, log.store.uri(entry.key))


def _read(path: Path) -> _Waiting:
    return _Waiting.model_validate_json(path.read_bytes())


def _write(path: Path, log: ChainedLog) -> bool:
    """Store the event in a file; a file that is not an event is set aside, so that the others can be stored."""
    try:
        waiting = _read(path)
    except ValidationError:
        aside = path.replace(path.with_suffix(".unreadable"))
        _log.warning("what waits in %s is no audit event: it was set aside as %s", path, aside)
        return False
    tried = list(waiting.tried)

    def trying(number: int) -> None:
        # Saved before the request: this process may be killed before the answer comes.
        tried.append(number)
        _save(path, waiting.model_copy(update={"tried": tried}))

    if not any(_is_stored(log, number, waiting.occurrence) for number in tried):
        append(log, waiting.occurrence, trying)
    path.unlink()
    return True


def _is_stored(log: ChainedLog, number: int, occurrence: Occurrence) -> bool:
    entry = log.entry(number)
    # Not parsed: an event that somebody damaged must not keep this one from being stored.
    return entry is not None and occurrence.id.encode() in entry.body


def _save(path: Path, waiting: _Waiting) -> None:
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(waiting.model_dump_json())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
