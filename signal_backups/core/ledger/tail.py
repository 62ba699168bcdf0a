"""Reading the end of a trail with few requests: the events after a number, or since an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from signal_backups.core.base.errors import NotFoundError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.chained_log import FOLDER_SIZE, ChainedLog
from signal_backups.core.ledger.event import Event
from signal_backups.core.s3.object_version import ObjectVersion


def versions_after(log: ChainedLog, number: int) -> dict[int, ObjectVersion]:
    """The versions of the entries after a number, by number and in order, also when some between them are missing.

    Takes two listings, unless a folder has been filled since.

    Raises:
        StoreError: the store cannot be reached.
    """
    first = log.key_of((number + 1) // FOLDER_SIZE * FOLDER_SIZE).rpartition("/")[0]
    folders = [folder for folder in log.store.list_folders(log.prefix) if folder >= first]
    return {found: version for folder in folders for found, version in _listed(log, folder) if found > number}


def versions_since(log: ChainedLog, instant: datetime) -> list[ObjectVersion]:
    """The versions of the entries that were stored at an instant (UTC) or later, in order.

    Takes a listing of the folders, and one of each folder that reaches so far back.

    Raises:
        StoreError: the store cannot be reached.
    """
    found: list[ObjectVersion] = []
    for folder in reversed(log.store.list_folders(log.prefix)):
        listed = [version for _, version in _listed(log, folder)]
        found = [version for version in listed if version.last_modified >= instant] + found
        if any(version.last_modified < instant for version in listed):
            break
    return found


def read_events(log: ChainedLog, versions: Iterable[ObjectVersion]) -> list[Event]:
    """The events in some versions; one that cannot be read is left out: finding it is the job of ``audit verify``.

    Raises:
        StoreError: the store cannot be reached.
    """
    return [event for event in in_parallel(lambda version: read_event(log, version), versions) if event is not None]


def read_event(log: ChainedLog, version: ObjectVersion) -> Event | None:
    """The event in a version; None when it cannot be read."""
    try:
        body, _ = log.store.get_bytes(version.key, version.version_id)
        return Event.from_bytes(body, log.store.uri(version.key))
    except (VerificationError, NotFoundError):
        return None


def _listed(log: ChainedLog, folder: str) -> list[tuple[int, ObjectVersion]]:
    """The entries of a folder, in order; an entry is the first version that was ever stored under its key."""
    found: dict[int, ObjectVersion] = {}
    for version in reversed(log.store.list_versions(folder)):
        number = log.number_of(version.key)
        if number is not None and not version.is_delete_marker:
            found.setdefault(number, version)
    return sorted(found.items(), key=lambda item: item[0])
