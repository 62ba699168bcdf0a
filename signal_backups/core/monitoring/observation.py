"""The state of each day's backup in S3, read with a bounded number of requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from signal_backups.core.base.days import Clock, days_between, last_complete_day, oldest_kept_day
from signal_backups.core.base.objectives import GRACE, MAX_MANIFEST_READS, missed_from
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.genuine import forged_manifests
from signal_backups.core.vault.layout import BackupSlot, slot_that_counts
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault, VersionsBySlot, destroyed_days


class DayState(StrEnum):
    """The state of a day's backup."""

    VERIFIED = "verified"
    #: There is an object, but no genuine manifest for its current version.
    UNVERIFIED = "unverified"
    #: There is no object, or a delete marker hides it.
    MISSING = "missing"
    #: A manifest vouches for an object, and no version of it is left.
    DESTROYED = "destroyed"
    #: Not verified yet, and still within the grace period.
    DUE = "due"


@dataclass(frozen=True)
class Observation:
    """The state of every day from ``first_day`` to ``last_day``, both included, at one instant.

    Attributes:
        at: that instant (UTC).
        latest: the manifest of the newest verified day.
        hidden: the missing days that a delete marker hides.
        requests: how many requests were sent.
        backups: the current versions of the backups.
        manifests: the current versions of the manifests.
    """

    at: datetime
    first_day: date
    last_day: date
    days: Mapping[date, DayState]
    latest: Manifest | None
    hidden: Sequence[date]
    requests: int
    backups: Mapping[BackupSlot, ObjectVersion]
    manifests: Mapping[BackupSlot, ObjectVersion]

    def in_state(self, *states: DayState) -> list[date]:
        """Return the days in any of these states, oldest first."""
        return [day for day, state in self.days.items() if state in states]


def observe(
    vault: BackupVault,
    start: date | None,
    clock: Clock,
    *,
    grace: timedelta = GRACE,
    retention_years: int | None = None,
) -> Observation:
    """Find the state of every day from ``start`` to the last complete one, mostly by listing.

    A manifest that is not in the manifest log vouches for nothing (see ``vault.genuine``). A manifest is written
    after its object, so a manifest that is newer than its object vouches for it without being
    read; only the newest day's is read. Of the manifests that are not newer, the newest ``MAX_MANIFEST_READS`` are
    read. The rest are judged by their times alone: a manifest of the same second vouches for its object, an older one
    does not.

    Args:
        vault: where the backups are.
        start: the first day that should be backed up; None: the oldest that ever had a backup.
        clock: the present (UTC).
        grace: how long after its backup time a day is due rather than missing.
        retention_years: calendar years that a day is kept; older days are left out. None: for ever.

    Raises:
        StoreError: the store cannot be reached.
    """
    now, last = clock(), last_complete_day(clock)
    with vault.store.counted_requests() as sent:
        first = first_expected(start, now, retention_years)
        listed = vault.backup_versions(first, last)
        listed_manifests = vault.manifest_versions(first, last)
        manifests = _current(listed_manifests)
        if start is None:
            first = min((slot.day for slot in (*listed, *listed_manifests)), default=last)
        backups = _current(listed)
        forged = forged_manifests(vault, manifests, MAX_MANIFEST_READS)
        genuine = {slot: stored for slot, stored in manifests.items() if slot not in forged}
        vouched, latest = _vouched(vault, _one_a_day(backups), genuine)
    present = {slot.day for slot in backups}
    destroyed = destroyed_days(listed, listed_manifests)
    days = {
        day: DayState.DESTROYED if day in destroyed else _state(day, day in present, day in vouched, now, grace)
        for day in days_between(first, last)
    }
    ever = {slot.day for slot in listed}
    hidden = [day for day, state in days.items() if state is DayState.MISSING and day in ever]
    return Observation(now, first, last, days, latest, hidden, len(sent), backups, manifests)


def first_expected(start: date | None, now: datetime, retention_years: int | None) -> date:
    """Return the first day that should be backed up, from start and retention; ``date.min`` without both."""
    kept_from = oldest_kept_day(now, retention_years) if retention_years else date.min
    return max(start or date.min, kept_from)


def _state(day: date, present: bool, vouched: bool, now: datetime, grace: timedelta) -> DayState:
    if vouched:
        return DayState.VERIFIED
    if now < missed_from(day, grace):
        return DayState.DUE
    return DayState.UNVERIFIED if present else DayState.MISSING


def _current(versions: VersionsBySlot) -> dict[BackupSlot, ObjectVersion]:
    return {slot: stored[0] for slot, stored in versions.items() if not stored[0].hides}


def _one_a_day(backups: Mapping[BackupSlot, ObjectVersion]) -> dict[BackupSlot, ObjectVersion]:
    """Return for each day the backup that ``BackupVault.find`` would choose."""
    of_day: dict[date, list[BackupSlot]] = {}
    for slot in backups:
        of_day.setdefault(slot.day, []).append(slot)
    return {slot: backups[slot] for slot in map(slot_that_counts, of_day.values())}


def _vouched(
    vault: BackupVault, backups: Mapping[BackupSlot, ObjectVersion], manifests: Mapping[BackupSlot, ObjectVersion]
) -> tuple[set[date], Manifest | None]:
    """Return the verified days, and the manifest of the newest of them."""
    ages = {slot: _seconds_after(manifests[slot], backups[slot]) for slot in backups if slot in manifests}
    vouched = {slot for slot, seconds in ages.items() if seconds >= 0}
    unclear = sorted((slot for slot, seconds in ages.items() if seconds <= 0), reverse=True)[:MAX_MANIFEST_READS]
    read = dict(zip(unclear, in_parallel(lambda slot: vault.manifest_at(manifests[slot]), unclear), strict=True))
    for slot, manifest in read.items():
        (vouched.add if _vouches_for(manifest, backups[slot]) else vouched.discard)(slot)
    latest = None
    # The newest manifest is always read; if it does not vouch for its backup, the next one is read.
    for slot in sorted(vouched, reverse=True)[:MAX_MANIFEST_READS]:
        manifest = read[slot] if slot in read else vault.manifest_at(manifests[slot])
        if _vouches_for(manifest, backups[slot]):
            latest = manifest
            break
        vouched.discard(slot)
    return {slot.day for slot in vouched}, latest


def _seconds_after(manifest: ObjectVersion, backup: ObjectVersion) -> float:
    """Return how much newer the manifest is, in whole seconds: S3's times have no fractions."""
    times = (found.last_modified.replace(microsecond=0) for found in (manifest, backup))
    return (next(times) - next(times)).total_seconds()


def _vouches_for(manifest: Manifest | None, backup: ObjectVersion) -> bool:
    return manifest is not None and manifest.backup.version_id == backup.version_id
