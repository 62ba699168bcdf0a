"""The audit trail as counts: every event is read once, then only those that came since.

Only counts from the first event on grow and never fall, whatever process counts them: a restart looks like none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from signal_backups.core.errors import NotFoundError, VerificationError
from signal_backups.core.metrics.measurements import DURATION_BOUNDS, Trail
from signal_backups.core.store import ObjectVersion
from signal_backups.core.trail.event import Action, Event
from signal_backups.core.trail.numbered_log import FOLDER_SIZE, NumberedLog

_READERS = 16
FAILED, PASSED, STORED = "failed", "passed", "stored"

#: By day: when it was tried last, and whether that went well.
_LastTries = dict[str, tuple[datetime, bool]]


class TrailReader:
    """Counts the events of a log."""

    def __init__(self, log: NumberedLog) -> None:
        self._log = log
        self._next = 1
        self._trail = Trail()
        self._verified: _LastTries = {}
        self._backed_up: _LastTries = {}

    def read(self) -> Trail:
        """Read what is new: two listings when nothing is.

        Raises:
            StoreError: the store cannot be reached; what was read before stays counted.
        """
        new = self._new_versions()
        with ThreadPoolExecutor(_READERS) as readers:
            events = list(readers.map(self._event, new.values()))
        for event in events:
            if event is not None:
                self._count(event)
        self._next = max(new, default=self._next - 1) + 1
        return replace(
            self._trail,
            failing_verification_days=_failing(self._verified),
            failing_backup_days=_failing(self._backed_up),
        )

    def _new_versions(self) -> dict[int, ObjectVersion]:
        """By number; an entry is the first version that was ever stored under its key."""
        oldest_first = [version for folder in self._folders() for version in reversed(self._list(folder))]
        found: dict[int, ObjectVersion] = {}
        for version in oldest_first:
            number = self._log.number_of(version.key)
            if number is not None and number >= self._next and not version.is_delete_marker:
                found.setdefault(number, version)
        return dict(sorted(found.items()))

    def _folders(self) -> Sequence[str]:
        """Those that an entry we have not read can be in."""
        first = self._log.key_of(self._next // FOLDER_SIZE * FOLDER_SIZE).rpartition("/")[0]
        return [folder for folder in self._log.store.list_folders(self._log.prefix) if folder >= first]

    def _list(self, folder: str) -> list[ObjectVersion]:
        return self._log.store.list_versions(folder)

    def _event(self, version: ObjectVersion) -> Event | None:
        """None for one that cannot be read: to find those is the business of ``audit verify``."""
        try:
            body, _ = self._log.store.get_bytes(version.key, version.version_id)
            return Event.from_bytes(body, self._log.store.uri(version.key))
        except (VerificationError, NotFoundError):
            return None

    def _count(self, event: Event) -> None:
        failed = event.result == FAILED
        match event.action:
            case Action.BACKUP:
                self._count_backup(event, failed=failed)
            case Action.VERIFICATION:
                _note(self._verified, event, not failed)
                self._add(verification_failures=int(failed))
            case Action.DRILL:
                self._count_drill(event)

    def _count_backup(self, event: Event, *, failed: bool) -> None:
        _note(self._backed_up, event, not failed)
        self._add(upload_errors=int(failed))
        if not failed:
            _note(self._verified, event, True)  # what was stored was read back and verified
        seconds = event.details.get("seconds")
        if event.result == STORED and isinstance(seconds, int | float):
            durations = list(self._trail.durations)
            durations[bisect_left(DURATION_BOUNDS, seconds)] += 1
            self._trail = replace(
                self._trail, durations=tuple(durations), duration_sum=self._trail.duration_sum + seconds
            )

    def _count_drill(self, event: Event) -> None:
        known, passed = self._trail.drills, event.result == PASSED
        drills = replace(
            known,
            last_at=event.at,
            passed=passed,
            last_good_at=event.at if passed else known.last_good_at,
            rto_seconds=event.details.get("rto_seconds", known.rto_seconds),
        )
        self._trail = replace(self._trail, drills=drills)

    def _add(self, *, verification_failures: int = 0, upload_errors: int = 0) -> None:
        self._trail = replace(
            self._trail,
            verification_failures=self._trail.verification_failures + verification_failures,
            upload_errors=self._trail.upload_errors + upload_errors,
        )


def _note(last: _LastTries, event: Event, went_well: bool) -> None:
    """Remember how a day went; an event that waited in an outbox comes late, and changes nothing that came after it."""
    day = event.details.get("day")
    if isinstance(day, str) and (day not in last or last[day][0] <= event.at):
        last[day] = (event.at, went_well)


def _failing(last: _LastTries) -> int:
    return sum(not went_well for _, went_well in last.values())
