"""Longer or stronger Object Locks on stored versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from signal_backups.core.base.days import Clock, next_midnight, utc_now
from signal_backups.core.base.errors import SettingsError, StoreError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.batch_events import named, number_of, record_several
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.retention.stored_versions import require_lock, versions_by_day
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault


class LockChange(BaseModel, frozen=True):
    """One version whose lock was missing, too short or too weak.

    Attributes:
        day: the UTC day of the backup.
        key: key of the object.
        version_id: the version.
        before: the lock before the change.
        mode: mode after the change (in a dry run: planned).
        until: end of the lock after the change, UTC (in a dry run: planned).
        refused: why the store refused the stronger mode; None if it did not.
    """

    day: date
    key: str
    version_id: str
    before: ObjectLock
    mode: LockMode
    until: datetime
    refused: str | None = None

    @property
    def changed(self) -> bool:
        """Whether mode or end of the lock differ from before."""
        return (self.mode, self.until) != (self.before.mode, self.before.retain_until)


class DayExtension(BaseModel, frozen=True):
    """The lock changes of a UTC day, and the number of versions that needed none."""

    day: date
    changes: list[LockChange]
    unchanged: int


class Extension(BaseModel, frozen=True):
    """The lock changes (in a dry run: planned changes) of a range of days, and the number of the (last) audit event.

    ``event`` is None when nothing changed, and while the event is in the outbox.
    """

    days: list[DayExtension]
    event: int | None = None

    @property
    def changes(self) -> list[LockChange]:
        """The changes of all days."""
        return [change for day in self.days for change in day.changes]

    @property
    def refused(self) -> list[LockChange]:
        """The changes whose stronger mode the store refused."""
        return [change for change in self.changes if change.refused is not None]


def extend(
    vault: BackupVault,
    policy: LockPolicy,
    days: tuple[date, date],
    *,
    until: datetime | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> Extension:
    """Lock every version of the days' backups, manifests and quarantine as the policy says; never shorten a lock.

    Versions whose retention under the policy is over, or that are already locked long and strongly enough, are skipped.

    Args:
        vault: the vault of the backups.
        policy: mode, and calendar years from when a version was stored.
        days: first and last UTC day, inclusive.
        until: a UTC midnight at which all locks end instead, later than the policy asks; None for the policy's own end.
        dry_run: only plan the changes.
        clock: returns the current time, UTC.

    Raises:
        NotFoundError: no version of any of the days is stored.
        SettingsError: ``until`` is earlier than the end of a lock or of the policy's retention; nothing was changed.
        StoreError: the bucket has no Object Lock, or the store refuses; the locks changed before that are recorded.
        VerificationError: the store accepted a lock and does not show it.
    """
    require_lock(vault)
    run = _Run(vault, policy, until, clock)
    stored = versions_by_day(vault, *days)
    planned = run.plan(stored)
    if dry_run:
        return _report(stored, planned)
    event = None
    try:
        in_parallel(run.lock, planned)
    finally:
        # When one of them fails, the changes before it are still recorded.
        if changed := [change for change in run.done if change.changed]:
            event = _record(vault, days, changed)
    return _report(stored, run.done, event)


def _record(vault: BackupVault, days: tuple[date, date], changed: Sequence[LockChange]) -> int | None:
    def details_of(part: Sequence[LockChange]) -> dict[str, Any]:
        return {
            "first_day": days[0].isoformat(),
            "last_day": days[1].isoformat(),
            # In the order of the event's objects.
            "locks": [change.model_dump(mode="json", include={"before", "mode", "until"}) for change in part],
        }

    event = record_several(
        vault.trail,
        Action.LOCK_EXTENSION,
        Result.LOCKED,
        sorted(changed, key=lambda change: change.key),
        objects_of=lambda part: [named(change) for change in part],
        details_of=details_of,
    )
    return number_of(event)


def _report(
    stored: Mapping[date, Sequence[ObjectVersion]], changes: Sequence[LockChange], event: int | None = None
) -> Extension:
    by_day: dict[date, list[LockChange]] = {day: [] for day in stored}
    for change in sorted(changes, key=lambda change: change.key):
        by_day[change.day].append(change)
    return Extension(
        days=[
            DayExtension(day=day, changes=found, unchanged=len(stored[day]) - len(found))
            for day, found in by_day.items()
        ],
        event=event,
    )


class _Run:
    def __init__(self, vault: BackupVault, policy: LockPolicy, until: datetime | None, clock: Clock) -> None:
        self._store = vault.store
        self._policy = policy
        self._until = until
        self._clock = clock
        self.done: list[LockChange] = []

    def plan(self, stored: Mapping[date, Sequence[ObjectVersion]]) -> list[LockChange]:
        """The changes that are needed."""
        versions = [(day, version) for day, found in stored.items() for version in found]
        locks = in_parallel(lambda pair: self._store.lock_of(pair[1].key, pair[1].version_id), versions)
        planned = [self._planned(day, version, lock) for (day, version), lock in zip(versions, locks, strict=True)]
        return [change for change in planned if change is not None]

    def lock(self, change: LockChange) -> None:
        """Change a lock as planned, and read it back."""
        done = self._set(change)
        self.done.append(done)
        shown = self._store.lock_of(done.key, done.version_id)
        if shown.mode != done.mode or not shown.holds_until(done.until):
            raise VerificationError(
                f"the store shows {shown} as the lock of {self._name(done.key, done.version_id)} after it accepted "
                f"{done.mode.lower()} until {done.until:%Y-%m-%d}",
                remedy="Check that the credentials may read locks (s3:GetObjectRetention), then run the command again",
            )

    def _planned(self, day: date, version: ObjectVersion, lock: ObjectLock) -> LockChange | None:
        end = self._policy.retain_until(version.last_modified)
        present = lock.retain_until or end
        wanted = self._until or end
        if self._until and wanted < max(end, present):
            raise SettingsError(
                f"{wanted:%Y-%m-%d} is earlier than {max(end, present):%Y-%m-%d}, when the retention of "
                f"{self._name(version.key, version.version_id)} ends; nothing was changed",
                remedy="A lock is never shortened: give a later date, or none",
            )
        is_strong = LockMode.COMPLIANCE in (lock.mode, self._policy.mode)
        mode = LockMode.COMPLIANCE if is_strong else LockMode.GOVERNANCE
        if wanted <= self._clock() or (lock.holds_until(wanted) and lock.mode == mode):
            return None
        # Stores drop fractions of a second; at midnight there are none, so the lock never ends early.
        until = next_midnight(max(wanted, present))
        return LockChange(day=day, key=version.key, version_id=version.version_id, before=lock, mode=mode, until=until)

    def _set(self, change: LockChange) -> LockChange:
        """Set the lock; if the store refuses the stronger mode, only make it longer."""
        before = change.before
        try:
            self._store.set_retention(change.key, change.version_id, change.mode, change.until)
        except StoreError as error:
            if error.transient or before.mode in (None, change.mode) or before.retain_until is None:
                raise
            mode, until = LockMode(before.mode), change.until
            if before.holds_until(until):
                until = before.retain_until
            else:
                self._store.set_retention(change.key, change.version_id, mode, until)
            return change.model_copy(update={"mode": mode, "until": until, "refused": error.what})
        return change

    def _name(self, key: str, version_id: str) -> str:
        return f"{self._store.uri(key)} version {version_id}"
