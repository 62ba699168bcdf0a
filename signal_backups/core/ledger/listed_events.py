"""An audit trail as one listing shows it: its damage, single events, or all from the newest back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.chained_log import ChainedLog, first_versions
from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.ledger.event import Event
from signal_backups.core.ledger.rolling_segments import RollingSegments
from signal_backups.core.ledger.tail import read_event
from signal_backups.core.s3.object_version import ObjectVersion

#: How many events are looked for in segments, so that memory stays bounded; about a kilobyte each.
MOST_FROM_SEGMENTS = 25_000


class ListedEvents:
    """The events of a trail, which is listed once, when something is asked first; each event is read at most once.

    Args:
        log: the log of the events.
        segments: its rolling segments.
    """

    def __init__(self, log: ChainedLog, segments: RollingSegments) -> None:
        self._log = log
        self._segments = segments
        self._read: dict[int, Event | None] = {}

    @cached_property
    def damage(self) -> LogDamage:
        """What the listing shows to be damaged.

        Raises:
            StoreError: the store cannot be reached.
        """
        return LogDamage.of(self._versions)

    @cached_property
    def _versions(self) -> dict[int, list[ObjectVersion]]:
        return self._log.versions()

    @cached_property
    def _entries(self) -> dict[int, ObjectVersion]:
        return first_versions(self._versions)

    def event(self, number: int) -> Event | None:
        """One event; None when it cannot be read, or is not in the listing.

        Raises:
            StoreError: the store cannot be reached.
        """
        if number not in self._read and number in self._entries:
            self._read[number] = read_event(self._log, self._entries[number])
        return self._read.get(number)

    def newest_first(self, size: int) -> Iterator[list[Event]]:
        """The events from the newest back to the first, in lists about ``size`` numbers, each with the newest first.

        Takes few requests for what the segments hold of the newest ``MOST_FROM_SEGMENTS`` events, and one for each
        other event, when the caller asks for more.

        Raises:
            StoreError: the store cannot be reached.
        """
        numbers = sorted(self._entries, reverse=True)
        wanted = {number: self._entries[number] for number in numbers[:MOST_FROM_SEGMENTS] if number not in self._read}
        # As bytes, which take a third of the memory of events.
        held = self._segments.read(wanted, lambda line: line.body.encode())
        for start in range(0, len(numbers), size):
            part = numbers[start : start + size]
            in_parallel(self.event, [number for number in part if number not in held])
            found = (_parsed(held[number]) if number in held else self._read.get(number) for number in part)
            yield [event for event in found if event is not None]


def _parsed(body: bytes) -> Event | None:
    try:
        return Event.from_bytes(body, "it")
    except VerificationError:
        return None
