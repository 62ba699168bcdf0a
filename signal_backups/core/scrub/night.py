"""One night of the scrub: reads the days that were read longest ago, verifies them, and records what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from signal_backups.core.base.errors import ArchivedError, NotFoundError, SignalBackupsError, VerificationError
from signal_backups.core.ledger.batch_events import ITEMS_AN_EVENT, named, record_several
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.ledger.listed_events import ListedEvents
from signal_backups.core.monitoring.last_reads import OldestRead, last_reads, oldest_read, oldest_read_details
from signal_backups.core.monitoring.observation import Observation, observe
from signal_backups.core.monitoring.verifications import last_verifications
from signal_backups.core.s3.thaw import ARCHIVED_CLASSES
from signal_backups.core.scrub.choose_days import Order, order_of, read_share, share_of
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.verify_stored import StoredVerification, examine_stored, record_verification

#: How many events are read at a time.
_EVENTS = 200
#: After this many days in a row that the store did not give, the night tries the day that was read last. If the store
#: does not give that either, it is the store, and not the days: the night ends.
ERRORS_IN_A_ROW = 3
#: How many days a night tries in vain at most; as many as its event names.
MOST_ERRORS = ITEMS_AN_EVENT


#: Errors that show damage: the store answered, and what it has is not what was stored.
_DAMAGE = (NotFoundError, VerificationError)


@dataclass(frozen=True)
class NotRead:
    """A day that could not be read to its end, and why."""

    day: date
    error: SignalBackupsError

    @property
    def is_damage(self) -> bool:
        """Whether that is the fault of what is stored, so that the day did not verify."""
        return isinstance(self.error, _DAMAGE)

    @property
    def is_of_store(self) -> bool:
        """Whether the next day may well end in the same way."""
        return not isinstance(self.error, (*_DAMAGE, ArchivedError))


@dataclass(frozen=True)
class ScrubReport:
    """What a night read.

    Attributes:
        at: when it began (UTC).
        days: how many verified days there are.
        read: the days that were read, in their order, good or bad.
        errors: the days that could not be read to their end.
        waiting: the days that an earlier night could not read, and that this one did not try.
        ended_early: whether the night ended before its part was read, because the store failed.
        oldest: the day that was read longest ago, after this night; None when no day is verified.
        requests: how many requests were sent.
    """

    at: datetime
    days: int
    read: Sequence[StoredVerification]
    errors: Sequence[NotRead]
    waiting: Sequence[date]
    ended_early: bool
    oldest: OldestRead | None
    requests: int = field(compare=False)

    @property
    def bytes(self) -> int:
        """How many bytes of backups were read, or compared by their checksum."""
        return sum(found.report.bytes for found in self.read)

    @property
    def failed(self) -> dict[str, str]:
        """The days that did not verify, and why."""
        judged = {found.day: "; ".join(found.report.problems) for found in self.read if not found.report.ok}
        return judged | {str(each.day): str(each.error) for each in self.errors if each.is_damage}

    @property
    def not_read(self) -> list[NotRead]:
        """The days of which nothing is known, because the store did not give them."""
        return [each for each in self.errors if not each.is_damage]

    @property
    def by_checksum(self) -> list[str]:
        """The days of which archived objects were compared by the checksum that the store keeps."""
        return [found.day for found in self.read if found.by_checksum]


def scrub(
    vault: BackupVault,
    start: date | None,
    within: timedelta,
    scratch: Path,
    on_day: Callable[[StoredVerification], None] = lambda _: None,
) -> ScrubReport:
    """Read tonight's days, and record each that does not verify in an event, and all others together.

    Args:
        vault: where the backups are.
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        within: the time within which everything is to be read.
        scratch: folder for downloads.
        on_day: called after each day.

    Raises:
        StoreError: the store cannot be reached, before any day was read.
    """
    with vault.store.counted_requests() as sent:
        events = ListedEvents(vault.trail.log, vault.event_segments)
        observed = observe(vault, start, vault.store.clock, retention_years=vault.retention_years, events=events)
        verified = set(observed.in_state(DayState.VERIFIED))
        told = last_verifications(events.newest_first(_EVENTS), verified)
        reads = last_reads(observed, told.read_at)
        night = _Night(vault, observed, scratch, on_day)
        sizes = {day: _size(stored) for day in reads if not _needs_thaw(stored := observed.stored[day])}
        order = order_of({day: reads[day] for day in sizes}, told.not_read_at)
        night.read(order, sizes, share_of(sizes, within))
        reads |= dict.fromkeys(night.judged, vault.store.clock())
        oldest = oldest_read(reads)
        _record(vault, night, oldest)
    return ScrubReport(
        at=observed.at,
        days=len(reads),
        read=night.found,
        errors=night.errors,
        waiting=[day for day in order.refused if day not in night.tried],
        ended_early=night.has_ended,
        oldest=oldest,
        requests=len(sent),
    )


class _Night:
    def __init__(
        self, vault: BackupVault, observed: Observation, scratch: Path, on_day: Callable[[StoredVerification], None]
    ) -> None:
        self._vault = vault
        self._observed = observed
        self._scratch = scratch
        self._on_day = on_day
        self._in_a_row = 0
        self.found: list[StoredVerification] = []
        self.errors: list[NotRead] = []
        self.tried: set[date] = set()
        self.has_ended = False

    @property
    def judged(self) -> list[date]:
        """The days that are known to be good or bad now."""
        damaged = [each.day for each in self.errors if each.is_damage]
        return [date.fromisoformat(found.day) for found in self.found] + damaged

    @property
    def not_read(self) -> list[date]:
        """The days of which nothing is known."""
        return [each.day for each in self.errors if not each.is_damage]

    def read(self, order: Order, sizes: Mapping[date, int], share: float) -> None:
        """Read a share of the days, then try those again that the store did not give before.

        Those are last, so that they never keep others from being read.
        """
        read_share(share, self._unless_store_fails(order.first), sizes, self._try)
        if not self._is_over:
            read_share(share, self._unless_refused_again(order.refused), sizes, self._try)

    @property
    def _is_over(self) -> bool:
        return self.has_ended or len(self.errors) >= MOST_ERRORS

    def _unless_store_fails(self, days: Sequence[date]) -> Iterator[date]:
        newest_first = reversed(days)
        for day in days:
            if self._in_a_row >= ERRORS_IN_A_ROW:
                newest = next((each for each in newest_first if each not in self.tried), None)
                self.has_ended = newest is None or not self._try(newest)
            if self._is_over:
                return
            if day not in self.tried:
                yield day

    def _unless_refused_again(self, days: Iterable[date]) -> Iterator[date]:
        self._in_a_row = 0
        for day in days:
            if self._in_a_row >= ERRORS_IN_A_ROW:
                return
            yield day

    def _try(self, day: date) -> bool:
        """Read a day; False if it is not known to be good or bad then."""
        self.tried.add(day)
        try:
            self._read(self._observed.stored[day])
        except SignalBackupsError as error:
            not_read = NotRead(day, error)
            self.errors.append(not_read)
            self._in_a_row = self._in_a_row + 1 if not_read.is_of_store else 0
            return not_read.is_damage
        self._in_a_row = 0
        return True

    def _read(self, stored: StoredDay) -> None:
        if stored.current is None:
            return
        backup = StoredBackup(stored.slot, stored.current, self._vault.readable_manifest(stored.slot))
        found = examine_stored(self._vault, backup, self._scratch, archived_by_checksum=True)
        if not found.report.ok:
            record_verification(self._vault, found)
        self.found.append(found)
        self._on_day(found)


def _needs_thaw(stored: StoredDay) -> bool:
    """Whether it is archived, and was uploaded in parts, so that S3 keeps no SHA-256 of the whole.

    Such days would be the first of every night, and leave no time for others.
    """
    version = stored.current
    return version is not None and version.storage_class in ARCHIVED_CLASSES and "-" in version.etag


def _size(stored: StoredDay) -> int:
    manifest = stored.manifest
    files = [manifest.backup, manifest.quarantine] if manifest is not None else []
    return sum(file.bytes for file in files if file is not None)


def _record(vault: BackupVault, night: _Night, oldest: OldestRead | None) -> None:
    """Record the night, also one that read nothing: the alert looks at what the newest event says."""
    not_read = [str(day) for day in night.not_read[:MOST_ERRORS]]

    def details_of(part: Sequence[StoredVerification]) -> dict[str, Any]:
        by_checksum = [each.day for each in part if each.by_checksum]
        days = {"days": [each.day for each in part], "by_checksum": by_checksum, "not_read": not_read}
        return days | oldest_read_details(oldest)

    record_several(
        vault.trail,
        Action.VERIFICATION,
        Result.PASSED,
        [each for each in night.found if each.report.ok],
        objects_of=lambda part: [named(each) for each in part],
        details_of=details_of,
    )
