"""The audit trail: everything that was done to the backups, as events that nobody can change unnoticed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.errors import (
    LocalStorageError,
    SignalBackupsError,
    VerificationError,
    code_of,
    is_interrupt,
)
from signal_backups.core.base.logs import log_failed_step
from signal_backups.core.ledger.announcements import AnnouncedManifest, HeldAnnouncement, abandoned
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
        #: Records the event of a manifest that a killed process announced; ``backup.missing_events`` knows how.
        self.settle: Callable[[AnnouncedManifest], None] | None = None
        self._clock = clock
        self._announced: list[HeldAnnouncement] = []

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
            event = append(self.log, occurrence, tried.append)
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
                self._withdraw_named(occurrence)
            return None
        self._withdraw_named(occurrence)
        return event

    def announce(self, manifest: AnnouncedManifest) -> None:
        """Say on this machine that a manifest is about to be logged, so that its event is never missing for long.

        The event that names the manifest withdraws it. Without an outbox nothing is said; the day's next backup finds
        out then.
        """
        if self.outbox is None or any(held.manifest == manifest for held in self._announced):
            return
        try:
            self._announced.append(HeldAnnouncement.create(self.outbox.folder, manifest))
        except OSError as error:
            _log.warning("manifest %d is not announced in %s: %s", manifest.number, self.outbox.folder, error)

    def withdraw(self, manifest: AnnouncedManifest) -> None:
        """Take an announcement back: the manifest was not logged, or its event is written or waits."""
        for held in [held for held in self._announced if held.manifest == manifest]:
            self._announced.remove(held)
            held.withdraw()

    def release_announced(self) -> None:
        """Leave the announcements to whoever records next: nobody here will record their events."""
        for held in self._announced:
            held.release()
        self._announced.clear()

    def _withdraw_named(self, occurrence: Occurrence) -> None:
        for held in list(self._announced):
            if held.manifest.details == occurrence.details.get("manifest"):
                self.withdraw(held.manifest)

    def _settle_abandoned(self) -> None:
        if self.outbox is None or self.settle is None:
            return
        for held in abandoned(self.outbox.folder):
            try:
                self.settle(held.manifest)
                held.withdraw()
            except VerificationError as error:
                # What is wrong with one manifest must not keep the other events waiting.
                _log.warning("the event of manifest %d is not written yet: %s", held.manifest.number, error)
            finally:
                held.release()

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
        """Store the events that wait on this machine, and return how many; first those of killed processes.

        Raises:
            SignalBackupsError: the store cannot be written to; events that are not stored keep waiting.
        """
        self._settle_abandoned()
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
