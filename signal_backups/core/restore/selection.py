"""Chooses the version of each day to restore: the current one, the one at some instant, or a named one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from signal_backups.core.base.days import days_between
from signal_backups.core.base.errors import DeletedBackupError, NotFoundError, SignalBackupsError
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.genuine import genuine_histories
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.stored_days import StoredDay
from signal_backups.core.vault.vault import BackupVault, SlotHistory, destroyed_backup


@dataclass(frozen=True)
class ChosenBackup:
    """A version to restore.

    Attributes:
        slot: the slot of its object.
        version: the version.
        manifest: the manifest that vouches for it; None if there is none, as for backups of older tools.
        lost: the newest manifest of the slot, if the version that it vouches for is gone and nobody asked for another.
        doubt: why a version that no manifest vouches for is not to be judged on its own.
    """

    slot: BackupSlot
    version: ObjectVersion
    manifest: Manifest | None
    lost: Manifest | None = None
    doubt: str = ""

    @property
    def day(self) -> date:
        """The UTC day of the backup."""
        return self.slot.day


@dataclass(frozen=True)
class UnavailableDay:
    """A day that cannot be restored, and why."""

    day: date
    error: SignalBackupsError


Selection = Sequence[ChosenBackup | UnavailableDay]


def choose_days(vault: BackupVault, first: date, last: date, as_of: datetime | None = None) -> Selection:
    """Choose a version for every day of the range, starting with the first day that was ever backed up.

    Args:
        vault: where the backups are.
        first: first day of the range.
        last: last day of the range, included.
        as_of: choose what was current and verified at that instant (UTC); None: now.

    Raises:
        NotFoundError: no day of the range was ever backed up.
    """
    histories = genuine_histories(vault, first, last)
    stored = vault.stored_days(first, last)
    destroyed = {day for day, one in stored.items() if one.state is DayState.DESTROYED}
    if not histories and not destroyed:
        raise NotFoundError(
            f"no backup from {first} to {last} in {vault.store.uri(vault.layout.prefix)}",
            remedy="See all backups with: signal-backups list",
        )
    by_day: dict[date, list[SlotHistory]] = {}
    for history in histories:
        by_day.setdefault(history.slot.day, []).append(history)
    return [
        UnavailableDay(day, destroyed_backup(day))
        if day in destroyed
        else _with_doubts(_choose_day(vault, day, by_day.get(day, []), as_of), stored.get(day), as_of)
        for day in days_between(min({*by_day, *destroyed}), last)
    ]


def choose_key(vault: BackupVault, key: str, version_id: str | None, as_of: datetime | None = None) -> ChosenBackup:
    """Choose a version of one object: the named one, the one at some instant, or the current one.

    Raises:
        NotFoundError: there is no such backup or version.
    """
    slot = vault.layout.slot_of(key)
    found = genuine_histories(vault, slot.day, slot.day) if slot is not None else []
    history = next((each for each in found if each.slot == slot), None)
    if slot is None or history is None:
        raise NotFoundError(f"no backup {vault.store.uri(key)}", remedy="See all keys with: signal-backups list")
    if version_id is None:
        chosen = _choose_version(vault, history, as_of)
        return _doubted(chosen, vault.stored_days(slot.day, slot.day).get(slot.day), as_of)
    for version in history.versions:
        if version.version_id == version_id and not version.is_delete_marker:
            return ChosenBackup(slot, version, history.vouching(version_id))
    raise NotFoundError(
        f"no version {version_id} of {vault.store.uri(key)}",
        remedy=f"See all versions with: signal-backups versions {slot.day}",
    )


def choose_version_of_day(vault: BackupVault, day: date, version_id: str) -> ChosenBackup:
    """Choose the version with some id among a day's backups.

    Raises:
        NotFoundError: the day has no such version.
    """
    for history in vault.histories(day, day):
        if any(version.version_id == version_id for version in history.versions):
            return choose_key(vault, vault.layout.backup_key(history.slot), version_id)
    raise NotFoundError(
        f"no version {version_id} among the backups of {day}",
        remedy=f"See all versions with: signal-backups versions {day}",
    )


def good_versions(history: SlotHistory) -> list[ChosenBackup]:
    """Return the versions that a manifest vouches for, newest first."""
    return [
        ChosenBackup(history.slot, version, manifest)
        for version in history.versions
        if (manifest := history.vouching(version.version_id)) is not None and not version.is_delete_marker
    ]


def _with_doubts(
    chosen: ChosenBackup | UnavailableDay, stored: StoredDay | None, as_of: datetime | None
) -> ChosenBackup | UnavailableDay:
    return _doubted(chosen, stored, as_of) if isinstance(chosen, ChosenBackup) else chosen


def _doubted(chosen: ChosenBackup, stored: StoredDay | None, as_of: datetime | None) -> ChosenBackup:
    """The chosen version, with what is known of a better one."""
    if stored is None or stored.slot != chosen.slot or as_of is not None:
        return chosen
    if stored.newest is not None and not stored.is_newest_left:
        vouched = stored.newest.backup.version_id
        doubt = f"the manifest log vouches for version {vouched}, which is gone, and nothing vouches for this one"
        return replace(chosen, lost=stored.newest, doubt=doubt)
    if stored.newest is None and stored.state is DayState.TAMPERED:
        return replace(
            chosen, doubt="its manifest is not in the manifest log: it was forged, or its entry was destroyed"
        )
    return chosen


def _choose_day(
    vault: BackupVault, day: date, histories: list[SlotHistory], as_of: datetime | None
) -> ChosenBackup | UnavailableDay:
    """Choose the backup made at the backup time, else the latest that an older tool wrote."""
    ordered = sorted(histories, key=lambda history: (history.slot == BackupSlot(day), history.slot), reverse=True)
    missing: SignalBackupsError = NotFoundError(
        f"no backup of {day}", remedy=f"If the database has the day, make one with: signal-backups backup {day}"
    )
    for history in ordered:
        try:
            return _choose_version(vault, history, as_of)
        except DeletedBackupError as error:
            # Do not silently fall back to an older tool's backup: the day's own was deleted.
            return UnavailableDay(day, error)
        except NotFoundError as error:
            missing = error
    return UnavailableDay(day, missing)


def _choose_version(vault: BackupVault, history: SlotHistory, as_of: datetime | None) -> ChosenBackup:
    versions = [version for version in history.versions if as_of is None or version.last_modified <= as_of]
    uri, day = vault.store.uri(history.key), history.slot.day
    if not versions:
        raise NotFoundError(
            f"{uri} did not exist yet at {as_of}", remedy=f"See its versions with: signal-backups versions {day}"
        )
    newest = versions[0]
    if newest.is_delete_marker:
        older = f"restore an older version, see: signal-backups versions {day}"
        # Nothing done today changes what was current then.
        first = "Name another instant" if as_of else f"Bring it back with: signal-backups undelete {day}"
        raise DeletedBackupError(
            f"{uri} was deleted at {newest.last_modified:%Y-%m-%dT%H:%M:%SZ}", remedy=f"{first}; or {older}"
        )
    for version in versions:
        manifest = history.vouching(version.version_id)
        if manifest is not None and (as_of is None or manifest.verification.verified_at <= as_of):
            return ChosenBackup(history.slot, version, manifest)
    # No genuine manifest vouches for any version, as for older tools' backups: only the file itself can be verified.
    return ChosenBackup(history.slot, newest, None)
