"""A log of numbered objects, each created once and carrying the SHA-256 of the one before."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir

from signal_backups.core.base.errors import ConflictError, NotFoundError, StoreError, VerificationError
from signal_backups.core.base.file_locks import exclusive
from signal_backups.core.base.parallel import map_in_order
from signal_backups.core.ledger.conditional_writes import honours_conditional_writes
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import JSON_TYPE, S3ObjectStore

#: What the first entry carries in place of the hash of the one before.
FIRST = "0" * 64
#: Entries in a folder: the newest entry is found with two listings, however long the log is.
FOLDER_SIZE = 1000
#: Keys have ten digits.
LAST_NUMBER = 10**10 - 1
#: How often an append is tried while other writers are faster.
ATTEMPTS = 500

#: So many tries in a row may find a taken number that is not listed: another writer is storing it just now.
_UNLISTED_TRIES = 25
#: After so many taken numbers, a listing finds the end of the log sooner than the next numbers do.
_STEPS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Link:
    """The place of a new entry: its number, and the SHA-256 (lower-case hex) of the entry before."""

    number: int
    previous: str


@dataclass(frozen=True)
class Entry:
    """One stored entry."""

    number: int
    key: str
    version_id: str
    body: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes (lower-case hex), which the next entry carries."""
        return hashlib.sha256(self.body).hexdigest()


class ChainedLog:
    """The entries under one prefix, numbered from 1 without a gap; safe for several threads, processes and machines.

    A writer takes a number by creating its object, which the store refuses if there is one. On a store that ignores
    this condition, writers on one machine wait for each other, and a warning says that no other machine may write.
    """

    def __init__(self, store: S3ObjectStore, prefix: str, probe_key: str) -> None:
        self.store = store
        self.prefix = prefix
        self._probe_key = probe_key
        self._threads = threading.Lock()
        self._several_writers: bool | None = None
        self._last: Link | None = None

    def key_of(self, number: int) -> str:
        """The key of an entry."""
        return f"{self.prefix}{number // FOLDER_SIZE:07d}/{number:010d}.json"

    def number_of(self, key: str) -> int | None:
        """Inverse of ``key_of``; None for a foreign object."""
        match = re.fullmatch(r"\d{7}/(\d{10})\.json", key.removeprefix(self.prefix))
        number = int(match[1]) if match else 0
        return number if number > 0 and self.key_of(number) == key else None

    def takes_several_writers(self) -> bool:
        """Whether the store keeps two writers from taking the same number."""
        if self._several_writers is None:
            self._several_writers = honours_conditional_writes(self.store, self._probe_key)
            if not self._several_writers:
                _log.warning(
                    "the store of %s ignores conditional writes: only ONE machine may write backups and audit events "
                    "there, or entries will fork",
                    self.store.uri(self.prefix),
                )
        return self._several_writers

    def append(self, body_of: Callable[[Link], bytes]) -> Entry:
        """Store a new entry as the last and read it back.

        Args:
            body_of: returns the entry's bytes for its place in the log; called again when another writer was faster.

        Raises:
            ConflictError: others were faster every time; the last possible number is taken; on a store that takes one
                machine only, the file lock that keeps its writers apart cannot be taken.
            VerificationError: the store returns other bytes than were sent.
            StoreError: the store cannot be reached or refuses, or does not list an entry that is there.
        """
        unlisted = 0
        with self._threads, self._alone():
            for attempt in range(ATTEMPTS):
                link = self._next()
                key, body = self.key_of(link.number), body_of(link)
                try:
                    version_id = self.store.create_bytes(key, body, JSON_TYPE)
                except ConflictError:
                    self._step(link.number, attempt)
                    unlisted = 0 if self._last else unlisted + 1
                    if unlisted >= _UNLISTED_TRIES:
                        self._require_listed(link.number)
                    continue
                return self._read_back(Entry(link.number, key, version_id, body))
        raise ConflictError(
            f"cannot append to {self.store.uri(self.prefix)}: others were faster {ATTEMPTS} times",
            remedy="Run it again",
            transient=True,
        )

    def head(self) -> Entry | None:
        """The last entry; None when there is none."""
        folders = self.store.list_folders(self.prefix)
        for folder in reversed(folders):
            versions = self._by_number(self.store.list_versions(folder))
            readable = [number for number, stored in versions.items() if first_stored(stored)]
            if readable:
                return self._read(max(readable), versions)
        return None

    def entry(self, number: int) -> Entry | None:
        """One entry, as it was first stored; None when there is none."""
        versions = self._by_number(self.store.list_versions(self.key_of(number)))
        return self._read(number, versions) if first_stored(versions.get(number, [])) else None

    def first_stored_at(self) -> datetime | None:
        """When the first entry was stored (UTC), as S3 says; None when the log is empty."""
        versions = self._by_number(self.store.list_versions(self.key_of(1))).get(1, [])
        stored = first_stored(versions)
        return stored.last_modified if stored else None

    def entries(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """The entries from one number to another (default: the last), in order, each as it was first stored.

        Raises:
            NotFoundError: a number between them is missing.
        """
        versions = self.versions()
        wanted = range(first, (last if last is not None else max(versions, default=0)) + 1)
        # Checked before anything is read: a forged number may be far beyond the real entries.
        for number in wanted:
            if first_stored(versions.get(number, [])) is None:
                raise self._missing(number)
        yield from map_in_order(lambda number: self._read(number, versions), wanted)

    def versions(self) -> dict[int, list[ObjectVersion]]:
        """Every version and delete marker of every entry, newest first within a number."""
        return self._by_number(self.store.list_versions(self.prefix))

    def _by_number(self, versions: Iterable[ObjectVersion]) -> dict[int, list[ObjectVersion]]:
        found: dict[int, list[ObjectVersion]] = {}
        for version in versions:
            number = self.number_of(version.key)
            if number is not None:
                found.setdefault(number, []).append(version)
        return found

    def _read(self, number: int, versions: dict[int, list[ObjectVersion]]) -> Entry:
        stored = first_stored(versions.get(number, []))
        if stored is None:
            raise self._missing(number)
        body, _ = self.store.get_bytes(stored.key, stored.version_id)
        return Entry(number, stored.key, stored.version_id, body)

    def _missing(self, number: int) -> NotFoundError:
        return NotFoundError(
            f"{self.store.uri(self.key_of(number))} is missing",
            remedy="See what else is wrong with: signal-backups audit verify",
        )

    def _next(self) -> Link:
        if self._last is None:
            head = self.head()
            self._last = Link(head.number, head.sha256) if head else Link(0, FIRST)
        if self._last.number == LAST_NUMBER:
            self._last = None  # by the next try it may have been removed
            raise ConflictError(
                f"cannot append to {self.store.uri(self.prefix)}: {self.key_of(LAST_NUMBER)} has the last possible "
                "number, which no real entry has",
                remedy="Find out who put it there, and remove it. See: signal-backups audit verify",
            )
        return Link(self._last.number + 1, self._last.previous)

    def _step(self, taken: int, attempt: int) -> None:
        """Continue after a number that another writer has taken or is taking."""
        if attempt % _STEPS == _STEPS - 1:
            self._last = None
        else:
            entry = self.entry(taken)  # None: not stored yet
            self._last = Link(taken, entry.sha256) if entry else None
        time.sleep(random.uniform(0, 0.002 * min(attempt, 25)))  # noqa: S311 - spreads writers, protects nothing

    def _require_listed(self, taken: int) -> None:
        """Refuse to go on when the store has an entry and its listings do not show it: they would never end."""
        key = self.key_of(taken)
        if self.entry(taken) is None and self.store.head(key) is not None:
            raise StoreError(
                f"cannot append to {self.store.uri(self.prefix)}: the store does not list {key}, which is there",
                remedy="Run it again later; if that repeats, the listings of this store cannot be relied on",
                transient=True,
            )

    def _read_back(self, entry: Entry) -> Entry:
        body, _ = self.store.get_bytes(entry.key, entry.version_id)
        if body != entry.body:
            raise VerificationError(f"{self.store.uri(entry.key)} is not what was sent", remedy="Run it again")
        self._last = Link(entry.number, entry.sha256)
        return entry

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as held:
            if not self.takes_several_writers():
                self._last = None  # another process may have written since
                name = hashlib.sha256(self.store.uri(self.prefix).encode()).hexdigest()[:16]
                # The same path for every writer on this machine, whatever its settings.
                path = Path(gettempdir()) / f"signal-backups-{name}.lock"
                try:
                    held.enter_context(exclusive(path))
                except OSError as error:
                    raise ConflictError(
                        f"cannot lock {path}: {error.strerror}",
                        remedy="This store takes one writer: write as the user who owns that file, or remove it when "
                        "nobody writes",
                    ) from error
            yield


def first_versions(versions: Mapping[int, Sequence[ObjectVersion]]) -> dict[int, ObjectVersion]:
    """Each entry of a listing as it was first stored, by number; hidden ones too."""
    found = ((number, first_stored(stored)) for number, stored in versions.items())
    return {number: stored for number, stored in found if stored is not None}


def first_stored(versions: Sequence[ObjectVersion]) -> ObjectVersion | None:
    """The first version is the entry: whatever was stored on top of it later is not."""
    stored = [version for version in versions if not version.is_delete_marker]
    return stored[-1] if stored else None
