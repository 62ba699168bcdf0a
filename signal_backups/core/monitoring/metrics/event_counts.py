"""Counts the events of the audit trail; each event is read once.

Counting starts at the first event of the trail, so that a restart of the exporter does not reset the counters.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import replace

from signal_backups.core.base.errors import UPLOAD_CODES, code_from_stored
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.tail import read_events, versions_after
from signal_backups.core.monitoring.metrics.measurements import DURATION_BOUNDS, TrailCounts
from signal_backups.core.monitoring.verifications import (
    LastResults,
    failing_days,
    note_backup,
    note_verification,
    read_at,
    verification_result,
)


class TrailReader:
    """Counts the events of a log."""

    def __init__(self, log: ChainedLog) -> None:
        self._log = log
        self._last = 0
        self._counts = TrailCounts()
        self._verifications: LastResults = {}
        self._backups: LastResults = {}

    def read(self) -> TrailCounts:
        """Read the new events; without any this takes two listings.

        Raises:
            StoreError: the store cannot be reached; what was counted before stays.
        """
        new = versions_after(self._log, self._last)
        for event in read_events(self._log, new.values()):
            self._count(event)
        self._last = max(new, default=self._last)
        return replace(
            self._counts,
            failing_verification_days=len(failing_days(self._verifications)),
            failing_backup_days=len(failing_days(self._backups)),
            read_at=read_at(self._verifications),
        )

    def _count(self, event: Event) -> None:
        note_verification(self._verifications, event)
        note_backup(self._backups, event)
        match event.action:
            case Action.BACKUP:
                self._count_backup(event, failed=event.result == Result.FAILED)
            case Action.VERIFICATION:
                self._add(verification_failures=int(verification_result(event) is False))
            case Action.DRILL:
                self._count_drill(event)

    def _count_backup(self, event: Event, *, failed: bool) -> None:
        self._add(upload_errors=int(failed and code_from_stored(event.details.get("error_type")) in UPLOAD_CODES))
        seconds = _number(event, "seconds")
        if event.result == Result.STORED and seconds is not None:
            durations = list(self._counts.durations)
            durations[bisect_left(DURATION_BOUNDS, seconds)] += 1
            self._counts = replace(
                self._counts, durations=tuple(durations), duration_sum=self._counts.duration_sum + seconds
            )

    def _count_drill(self, event: Event) -> None:
        before, passed = self._counts.drills, event.result == Result.PASSED
        rto = _number(event, "rto_seconds")
        drills = replace(
            before,
            last_at=event.at,
            passed=passed,
            last_passed_at=event.at if passed else before.last_passed_at,
            rto_seconds=before.rto_seconds if rto is None else rto,
        )
        self._counts = replace(self._counts, drills=drills)

    def _add(self, *, verification_failures: int = 0, upload_errors: int = 0) -> None:
        self._counts = replace(
            self._counts,
            verification_failures=self._counts.verification_failures + verification_failures,
            upload_errors=self._counts.upload_errors + upload_errors,
        )


def _number(event: Event, name: str) -> float | None:
    """Return a detail that is a duration; None if it is invalid, because details are not validated on writing."""
    value = event.details.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value <= sys.float_info.max else None
