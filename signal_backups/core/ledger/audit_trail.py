"""The audit trail: everything that was done to the backups, as events that nobody can change unnoticed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.errors import LocalStorageError, SignalBackupsError, code_of, is_interrupt
from signal_backups.core.base.logs import log_failed_step
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.event import Action, Actor, Event, ObjectName, Occurrence, Result
from signal_backups.core.ledger.outbox import Outbox, append

_log = logging.getLogger(__name__)


class AuditTrail:
    """The events of one vault.

    Args:
        log: where they are stored.
        actor: who records.
        outbox: folder for events that cannot be stored now; None: failing to store one is an error.
        clock: the present, UTC.
    """

    def __init__(self, log: ChainedLog, actor: Actor, outbox: Path | None = None, clock: Clock = utc_now) -> None:
        self.log = log
        self.actor = actor
        self.outbox = Outbox(outbox) if outbox else None
        self._clock = clock

    def record(
        self,
        action: Action,
        result: Result,
        objects: Iterable[ObjectName] = (),
        details: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Event | None:
        """Record what was done; None when the event cannot be stored now and waits in the outbox.

        What was done stays done: a backup counts although its event is late. An event that cannot even wait in the
        outbox is in the log output alone.

        Args:
            action: what.
            result: how it ended.
            objects: the versions it was done to.
            details: everything else, in JSON's types.
            at: when, UTC; default: now.

        Raises:
            SignalBackupsError: the event cannot be stored, and there is no outbox.
        """
        occurrence = Occurrence(
            at=at or self._clock(),
            actor=self.actor,
            action=action,
            result=str(result),
            objects=list(objects),
            details=details or {},
        )
        tried: list[int] = []
        try:
            self.write_waiting()
            return append(self.log, occurrence, tried.append)
        except SignalBackupsError as error:
            if self.outbox is None:
                raise
            try:
                path = self.outbox.keep(occurrence, tried)
            except OSError as lost:
                text = "THE AUDIT EVENT OF THIS %s IS LOST: it cannot be written (%s), nor kept (%s): %s"
                _log.critical(text, action, error, lost, occurrence.model_dump_json())
            else:
                _log.warning("the audit event of this %s is not written yet and waits in %s: %s", action, path, error)
            return None

    @contextmanager
    def recording_failure(self, action: Action, details: Mapping[str, Any]) -> Iterator[None]:
        """Record an exception inside the block as a failure, and raise it again.

        A verification that this machine had no room for, and whatever somebody interrupted, is not recorded: that says
        nothing about the backup.
        """
        try:
            yield
        except Exception as error:
            if is_interrupt(error):
                raise
            reason = str(error) if isinstance(error, SignalBackupsError) else f"unexpected {type(error).__name__}"
            log_failed_step(_log, action, reason, details)
            if action is Action.VERIFICATION and isinstance(error, LocalStorageError):
                raise
            self.record(action, Result.FAILED, details={**details, "error": reason, "error_type": code_of(error)})
            raise

    def write_waiting(self) -> int:
        """Store the events that wait on this machine, and return how many.

        Raises:
            SignalBackupsError: the store cannot be written to; events that are not stored keep waiting.
        """
        return self.outbox.write_to(self.log) if self.outbox else 0

    def waiting(self) -> int:
        """How many events wait on this machine."""
        return len(self.outbox.waiting()) if self.outbox else 0

    def waiting_events(self) -> list[Occurrence]:
        """The events that wait on this machine, oldest first."""
        return self.outbox.occurrences() if self.outbox else []

    def events(self, first: int = 1, last: int | None = None) -> Iterator[Event]:
        """The events from one number to another, in order.

        Raises:
            NotFoundError: one between them is missing.
            VerificationError: one cannot be read.
        """
        for entry in self.log.entries(first, last):
            yield Event.from_bytes(entry.body, self.log.store.uri(entry.key))
