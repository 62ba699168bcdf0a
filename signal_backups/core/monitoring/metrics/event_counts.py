"""The audit trail as counts: every event is read once, then only those that came since.

Only counts from the first event on grow and never fall, whatever process counts them: a restart looks like none.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from dataclasses import replace

from signal_backups.core.base.errors import UPLOAD_CODES, code_from_stored
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.event import Action, Event, Result
from signal_backups.core.ledger.tail import read_events, versions_after
from signal_backups.core.monitoring.metrics.measurements import DURATION_BOUNDS, Trail
from signal_backups.core.monitoring.verifications import LastTries, failing, note, note_verification, verifies


class TrailReader:
    """Counts the events of a log."""

    def __init__(self, log: ChainedLog) -> None:
        self._log = log
        self._last = 0
        self._trail = Trail()
        self._verified: LastTries = {}
        self._backed_up: LastTries = {}

    def read(self) -> Trail:
        """Read what is new: two listings when nothing is.

        Raises:
            StoreError: the store cannot be reached; what was read before stays counted.
        """
        new = versions_after(self._log, self._last)
        for event in read_events(self._log, new.values()):
            self._count(event)
        self._last = max(new, default=self._last)
        return replace(
            self._trail,
            failing_verification_days=len(failing(self._verified)),
            failing_backup_days=len(failing(self._backed_up)),
        )

    def _count(self, event: Event) -> None:
        note_verification(self._verified, event)
        match event.action:
            case Action.BACKUP:
                self._count_backup(event, failed=event.result == Result.FAILED)
            case Action.VERIFICATION:
                self._add(verification_failures=int(verifies(event) is False))
            case Action.DRILL:
                self._count_drill(event)

    def _count_backup(self, event: Event, *, failed: bool) -> None:
        note(self._backed_up, event, went_well=not failed)
        self._add(upload_errors=int(failed and code_from_stored(event.details.get("error_type")) in UPLOAD_CODES))
        seconds = _number(event, "seconds")
        if event.result == Result.STORED and seconds is not None:
            durations = list(self._trail.durations)
            durations[bisect_left(DURATION_BOUNDS, seconds)] += 1
            self._trail = replace(
                self._trail, durations=tuple(durations), duration_sum=self._trail.duration_sum + seconds
            )

    def _count_drill(self, event: Event) -> None:
        known, passed = self._trail.drills, event.result == Result.PASSED
        rto = _number(event, "rto_seconds")
        drills = replace(
            known,
            last_at=event.at,
            passed=passed,
            last_good_at=event.at if passed else known.last_good_at,
            rto_seconds=known.rto_seconds if rto is None else rto,
        )
        self._trail = replace(self._trail, drills=drills)

    def _add(self, *, verification_failures: int = 0, upload_errors: int = 0) -> None:
        self._trail = replace(
            self._trail,
            verification_failures=self._trail.verification_failures + verification_failures,
            upload_errors=self._trail.upload_errors + upload_errors,
        )


def _number(event: Event, name: str) -> float | None:
    """A detail that is a length of time; None when it is none, because nothing checked what was recorded."""
    value = event.details.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value <= sys.float_info.max else None
