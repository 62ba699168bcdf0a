"""Longer retentions for versions that are stored already: locked for too short a time, too weakly, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.days import Clock, next_midnight, utc_now
from signal_backups.core.base.errors import SettingsError, StoreError, VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.batch_events import named, number_of, record_several
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.retention.stored_versions import require_lock, versions_by_day
from signal_backups.core.s3.object_lock import LockMode, LockPolicy, ObjectLock
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class LockChange(_Model):
    """One version whose lock was too short or too weak; mode and end (UTC) of what it has now, or would in a dry run.

    ``refused`` says why its mode stays weaker than asked, where the store does not let it become stronger.
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
        """Whether the lock is another one now."""
        return (self.mode, self.until) != (self.before.mode, self.before.retain_until)


class DayExtension(_Model):
    """A UTC day: the versions whose lock was not as asked, and how many were locked well enough already."""

    day: date
    changes: list[LockChange]
    unchanged: int


class Extension(_Model):
    """What was (in a dry run: would be) done to a range of days, and the number of its (last) audit event.

    ``event`` is None when nothing was done, and while the event waits to be written.
    """

    days: list[DayExtension]
    event: int | None = None

    @property
    def changes(self) -> list[LockChange]:
        """Every version whose lock was not as asked."""
        return [change for day in self.days for change in day.changes]

    @property
    def refused(self) -> list[LockChange]:
        """Those that the store left with a weaker mode than asked."""
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
    """Lock every version of the days' backups, manifests and quarantine as the policy says; never for a shorter time.

    Versions whose time under the policy is over are left alone, and so are those locked long and strongly enough.

    Args:
        vault: where the backups are.
        policy: mode, and years from when a version was stored.
        days: first and last UTC day, both included.
        until: a UTC midnight, later than the policy's own, at which all retentions end; None for the policy's own.
        dry_run: change nothing.
        clock: the present, UTC.

    Raises:
        NotFoundError: no version of any of the days is stored.
        SettingsError: ``until`` is earlier than a version is, or by the policy must be, locked; nothing was changed.
        StoreError: the bucket has no Object Lock, or the store refuses; what was done until then is recorded.
        VerificationError: the store does not show a lock that it took.
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
        # Also when one of them failed: what was done is recorded.
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
        """The versions that are not locked as asked."""
        versions = [(day, version) for day, found in stored.items() for version in found]
        locks = in_parallel(lambda one: self._store.lock_of(one[1].key, one[1].version_id), versions)
        planned = [self._planned(day, version, lock) for (day, version), lock in zip(versions, locks, strict=True)]
        return [change for change in planned if change is not None]

    def lock(self, change: LockChange) -> None:
        """Lock a version as planned, and look whether it is."""
        done = self._set(change)
        self.done.append(done)
        shown = self._store.lock_of(done.key, done.version_id)
        if shown.mode != done.mode or not shown.holds_until(done.until):
            raise VerificationError(
                f"the store shows {shown} as the lock of {self._name(done.key, done.version_id)} after it took "
                f"{done.mode.lower()} until {done.until:%Y-%m-%d}",
                remedy="Check that the credentials may see locks (s3:GetObjectRetention), then run it again",
            )

    def _planned(self, day: date, version: ObjectVersion, lock: ObjectLock) -> LockChange | None:
        end = self._policy.retain_until(version.last_modified)
        present = lock.retain_until or end
        wanted = self._until or end
        if self._until and wanted < max(end, present):
            raise SettingsError(
                f"{wanted:%Y-%m-%d} is earlier than {max(end, present):%Y-%m-%d}, when the retention of "
                f"{self._name(version.key, version.version_id)} ends; nothing was changed",
                remedy="A retention is never shortened: give a later date, or none",
            )
        strong = LockMode.COMPLIANCE in (lock.mode, self._policy.mode)
        mode = LockMode.COMPLIANCE if strong else LockMode.GOVERNANCE
        if wanted <= self._clock() or (lock.holds_until(wanted) and lock.mode == mode):
            return None
        # Stores cut fractions of a second off: the next midnight is never earlier.
        until = next_midnight(max(wanted, present))
        return LockChange(day=day, key=version.key, version_id=version.version_id, before=lock, mode=mode, until=until)

    def _set(self, change: LockChange) -> LockChange:
        """Set the lock; where the store refuses a stronger mode, only the longer time."""
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
