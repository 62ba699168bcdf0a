"""Events without the whole trail: the newest ones, going back, and those that came since.

What belongs here: finding them with few requests. What does not: examining the trail (``examine``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from signal_backups.core.base.errors import NotFoundError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.chained_log import FOLDER_SIZE, ChainedLog
from signal_backups.core.ledger.event import Event
from signal_backups.core.s3.store import ObjectVersion


def newest_first(log: ChainedLog, size: int) -> Iterator[list[Event]]:
    """The events from the newest back to the first, ``size`` at a time, the newest of each time first.

    A listing of the folders, one for each folder that is reached, and a request for each event. Nothing is asked for
    before it is wanted.

    Raises:
        StoreError: the store cannot be reached.
    """
    folders = reversed(log.store.list_folders(log.prefix))
    versions = (version for folder in folders for _, version in reversed(_listed(log, folder)))
    while part := list(islice(versions, size)):
        yield read_events(log, part)


def versions_after(log: ChainedLog, number: int) -> dict[int, ObjectVersion]:
    """What holds the entries after one, by number and in order, whatever is missing between them.

    Two listings, when no folder has been filled since.

    Raises:
        StoreError: the store cannot be reached.
    """
    first = log.key_of((number + 1) // FOLDER_SIZE * FOLDER_SIZE).rpartition("/")[0]
    folders = [folder for folder in log.store.list_folders(log.prefix) if folder >= first]
    return {found: version for folder in folders for found, version in _listed(log, folder) if found > number}


def read_events(log: ChainedLog, versions: Iterable[ObjectVersion]) -> list[Event]:
    """The events in some versions; one that cannot be read is passed over: that is for ``audit verify`` to tell.

    Raises:
        StoreError: the store cannot be reached.
    """

    def read(version: ObjectVersion) -> Event | None:
        try:
            body, _ = log.store.get_bytes(version.key, version.version_id)
            return Event.from_bytes(body, log.store.uri(version.key))
        except (VerificationError, NotFoundError):
            return None

    return [event for event in in_parallel(read, versions) if event is not None]


def _listed(log: ChainedLog, folder: str) -> list[tuple[int, ObjectVersion]]:
    """A folder's entries in order; an entry is the first version that was ever stored under its key."""
    found: dict[int, ObjectVersion] = {}
    for version in reversed(log.store.list_versions(folder)):
        number = log.number_of(version.key)
        if number is not None and not version.is_delete_marker:
            found.setdefault(number, version)
    return sorted(found.items(), key=lambda item: item[0])
