"""The newest events of a trail, for who wants to know what happened lately.

What belongs here: finding them with few requests. What does not: examining the trail (``examine``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from signal_backups.core.errors import NotFoundError, VerificationError
from signal_backups.core.store import ObjectVersion
from signal_backups.core.trail.event import Event
from signal_backups.core.trail.numbered_log import NumberedLog

_READERS = 16


def newest_events(log: NumberedLog, most: int) -> list[Event]:
    """At most ``most`` events of the last folder, in order: two listings, and a request for each of them.

    One that cannot be read is passed over: that is for the examination of the trail to tell.

    Raises:
        StoreError: the store cannot be reached.
    """
    folders = log.store.list_folders(log.prefix)
    if not folders:
        return []
    stored: dict[int, ObjectVersion] = {}
    # An entry is the first version that was ever stored under its key.
    for version in reversed(log.store.list_versions(folders[-1])):
        number = log.number_of(version.key)
        if number is not None and not version.is_delete_marker:
            stored.setdefault(number, version)

    def read(version: ObjectVersion) -> Event | None:
        try:
            body, _ = log.store.get_bytes(version.key, version.version_id)
            return Event.from_bytes(body, log.store.uri(version.key))
        except (VerificationError, NotFoundError):
            return None

    newest = [version for _, version in sorted(stored.items())[-most:]]
    with ThreadPoolExecutor(_READERS) as readers:
        return [event for event in readers.map(read, newest) if event is not None]
