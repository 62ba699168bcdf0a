"""Legal holds on the stored versions of a range of days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import BaseModel

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.batch_events import named, number_of, record_several
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.retention.stored_versions import require_lock, versions_by_day
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault


class DayHolds(BaseModel, frozen=True):
    """The number of stored versions of a UTC day, and those on hold."""

    day: date
    versions: int
    held: list[ObjectName]


class DayHoldChange(BaseModel, frozen=True):
    """The versions of a UTC day whose hold changed, and the number that needed no change."""

    day: date
    changed: list[ObjectName]
    unchanged: int


class HoldChange(BaseModel, frozen=True):
    """The changes to a range of days, and the number of the (last) audit event.

    ``event`` is None when nothing changed, and while the event is in the outbox.
    """

    days: list[DayHoldChange]
    event: int | None = None

    @property
    def changed(self) -> list[ObjectName]:
        """Every version whose hold changed."""
        return [version for day in self.days for version in day.changed]


def list_holds(vault: BackupVault, first: date, last: date) -> list[DayHolds]:
    """The holds on each day of a range that has stored versions, oldest first.

    Raises:
        NotFoundError: no version of any of the days is stored.
        StoreError: the bucket has no Object Lock.
    """
    require_lock(vault)
    stored = versions_by_day(vault, first, last)
    held = _held(vault, _all(stored.values()))
    return [
        DayHolds(day=day, versions=len(versions), held=[name for name in _names(versions) if name in held])
        for day, versions in stored.items()
    ]


def put_holds(vault: BackupVault, first: date, last: date, reason: str) -> HoldChange:
    """Put a legal hold on every version of the days' backups, manifests and quarantine that has none.

    Args:
        vault: the vault of the backups.
        first: first UTC day.
        last: last UTC day, inclusive.
        reason: reason to give in the audit event.

    Raises:
        NotFoundError: no version of any of the days is stored.
        StoreError: the bucket has no Object Lock, or the store refuses; the holds changed before that are recorded.
        VerificationError: the store accepted a hold and does not show it.
    """
    return _Change(vault, (first, last), reason, on=True).run()


def release_holds(vault: BackupVault, first: date, last: date, reason: str) -> HoldChange:
    """Release every legal hold on the days' versions, whoever put it; arguments and errors as of ``put_holds``."""
    return _Change(vault, (first, last), reason, on=False).run()


class _Change:
    def __init__(self, vault: BackupVault, days: tuple[date, date], reason: str, *, on: bool) -> None:
        self._vault = vault
        self._days = days
        self._reason = reason
        self._on = on
        self._changed: list[ObjectName] = []

    def run(self) -> HoldChange:
        require_lock(self._vault)
        stored = versions_by_day(self._vault, *self._days)
        held = _held(self._vault, _all(stored.values()))
        to_change = [version for version in _all(stored.values()) if (named(version) in held) != self._on]
        event = None
        try:
            in_parallel(self._set, to_change)
        finally:
            # When one of them fails, the changes before it are still recorded.
            if self._changed:
                event = self._record()
        changed = set(self._changed)
        days = [_day_change(day, versions, changed) for day, versions in stored.items()]
        return HoldChange(days=days, event=event)

    def _set(self, version: ObjectVersion) -> None:
        store = self._vault.store
        store.set_legal_hold(version.key, version.version_id, on=self._on)
        self._changed.append(named(version))
        if store.lock_of(version.key, version.version_id).legal_hold != self._on:
            shown = "no legal hold" if self._on else "still a legal hold"
            raise VerificationError(
                f"{store.uri(version.key)} version {version.version_id} shows {shown} after the change was accepted",
                remedy="Check that the credentials may read holds (s3:GetObjectLegalHold), then run the command again",
            )

    def _record(self) -> int | None:
        first, last = self._days
        details = {"reason": self._reason, "first_day": first.isoformat(), "last_day": last.isoformat()}
        event = record_several(
            self._vault.trail,
            Action.HOLD_PUT if self._on else Action.HOLD_RELEASE,
            Result.PUT if self._on else Result.RELEASED,
            sorted(self._changed, key=lambda name: name.key),
            objects_of=list,
            details_of=lambda _: details,
        )
        return number_of(event)


def _day_change(day: date, versions: Sequence[ObjectVersion], all_changed: set[ObjectName]) -> DayHoldChange:
    changed = [name for name in _names(versions) if name in all_changed]
    return DayHoldChange(day=day, changed=changed, unchanged=len(versions) - len(changed))


def _held(vault: BackupVault, versions: Sequence[ObjectVersion]) -> set[ObjectName]:
    locks = in_parallel(lambda version: vault.store.lock_of(version.key, version.version_id), versions)
    return {named(version) for version, lock in zip(versions, locks, strict=True) if lock.legal_hold}


def _all(days: Iterable[Sequence[ObjectVersion]]) -> list[ObjectVersion]:
    return [version for versions in days for version in versions]


def _names(versions: Iterable[ObjectVersion]) -> list[ObjectName]:
    return [named(version) for version in versions]
