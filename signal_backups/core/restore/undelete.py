"""Makes a good version of a day current again, by removing delete markers or by copying the version up.

No version is ever removed. Each of the two steps writes an audit event.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.digest import FileDigest
from signal_backups.core.base.errors import ArchivedError, NotFoundError, StoreError, VouchedBackupLostError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.ledger.batch_events import named, number_of
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.restore.fetch import FetchedBackup, fetch, nearest_good_version, refusal
from signal_backups.core.restore.selection import ChosenBackup, choose_key, good_versions
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.signals.row_tree import root_of_csv
from signal_backups.core.vault.day_state import DayState
from signal_backups.core.vault.genuine import doubtful_manifest, genuine_histories, newest_manifest, unknown_manifest
from signal_backups.core.vault.layout import BackupSlot, slot_that_counts
from signal_backups.core.vault.manifest import Manifest, verification_result
from signal_backups.core.vault.vault import BackupVault, SlotHistory
from signal_backups.core.vault.writing import put_csv, read_back, vouching_details, write_manifest


class Undeletion(BaseModel, frozen=True):
    """What was done; ``version_id`` is the current version now.

    ``event`` is the number of the last audit event; None if nothing was done, or if the event is in the outbox.
    """

    day: date
    key: str
    version_id: str
    removed_markers: list[str] = []
    copied_from: str | None = None
    event: int | None = None


def undelete(
    vault: BackupVault, day: date, version_id: str | None, scratch: Path, clock: Clock = utc_now
) -> Undeletion:
    """Make a verified version of the day current again.

    Without a ``version_id`` delete markers are removed; if that is not allowed, or the version below was never
    verified or does not verify any more, the newest version that verifies is copied up. A second call does nothing.

    Args:
        vault: where the backups are.
        day: the UTC day.
        version_id: the version to copy up; None for the newest good one.
        scratch: folder for downloads.
        clock: the present, UTC.

    Raises:
        NotFoundError: the day has no backup, or no such version.
        RefusedBackupError: the version does not verify.
        VouchedBackupLostError: the newest backup is gone, and no ``version_id`` is given.
    """
    history = _history_of(vault, day)
    removed, event = _remove_markers(vault, history) if version_id is None else ([], None)
    if removed:
        history = vault.history(history.slot) or history
    done = Undeletion(
        day=day,
        key=history.key,
        version_id=history.versions[0].version_id,
        removed_markers=[f"{marker.key}?versionId={marker.version_id}" for marker in removed],
        event=event,
    )
    if version_id is None:
        _require_newest(vault, history)
        chosen = _newest_good(vault, history, scratch)
        is_current = chosen.version == history.versions[0] and not history.versions[0].hides
        nothing_to_do = is_current and _is_last_word(vault, chosen)
    else:
        nothing_to_do = _is_current(vault, history, version_id)
        chosen = _named(vault, history, version_id)
    if nothing_to_do:
        return done
    about = {"day": day.isoformat(), "copied_from": chosen.version.version_id}
    with vault.trail.recording_failure(Action.UNDELETE, about):
        manifest = _copy_up(vault, chosen, scratch, clock)
    event = _record(vault, Result.COPIED_UP, [named(manifest.backup)], about | vouching_details(manifest))
    copy = {"version_id": manifest.backup.version_id, "copied_from": chosen.version.version_id, "event": event}
    return done.model_copy(update=copy)


def _history_of(vault: BackupVault, day: date) -> SlotHistory:
    stored = vault.stored_days(day, day).get(day)
    histories = {history.slot: history for history in genuine_histories(vault, day, day)}
    is_destroyed = stored is not None and stored.state is DayState.DESTROYED
    versions = (version for history in histories.values() for version in history.versions)
    if is_destroyed or all(version.is_delete_marker for version in versions):
        raise vault.absence(day)
    return histories[slot_that_counts(histories)]


def _remove_markers(vault: BackupVault, history: SlotHistory) -> tuple[list[ObjectName], int | None]:
    """Remove the current delete markers of the day's objects; returns them, and the number of the event."""
    removed: list[ObjectName] = []
    event = None
    try:
        _remove_while_allowed(vault, history.slot, removed)
    finally:
        # Record the removed markers even if removing one of the others failed.
        if removed:
            event = _record(vault, Result.MARKERS_REMOVED, removed, {"day": history.slot.day.isoformat()})
    return removed, event


def _remove_while_allowed(vault: BackupVault, slot: BackupSlot, removed: list[ObjectName]) -> None:
    """Remove markers until there are no more or the store does not allow it, and append each to ``removed``."""
    layout = vault.layout
    for key in (layout.backup_key(slot), layout.manifest_key(slot), layout.quarantine_key(slot)):
        # Listed again each time, because a listing does not order the versions of the same second.
        while (marker := _current_marker(vault, key)) is not None and named(marker) not in removed:
            try:
                vault.store.remove_delete_marker(marker)
            except StoreError as error:
                if error.transient:
                    raise
                return
            removed.append(named(marker))


def _current_marker(vault: BackupVault, key: str) -> ObjectVersion | None:
    versions = vault.store.list_versions(key)
    return versions[0] if versions and versions[0].key == key and versions[0].is_delete_marker else None


def _require_newest(vault: BackupVault, history: SlotHistory) -> None:
    """Refuse to make an older version the day's backup where the newest is gone: it may hold less.

    Raises:
        VouchedBackupLostError: the newest backup of the day is gone.
    """
    newest, left = newest_manifest(vault, history.slot), {version.version_id for version in history.versions}
    if newest is not None and newest.backup.version_id not in left:
        raise VouchedBackupLostError(
            f"the newest backup of {newest.day}, version {newest.backup.version_id} of "
            f"{vault.store.uri(history.key)}, is gone from S3: an older one may hold less",
            remedy=f"See what is left with: signal-backups versions {newest.day}; make one of these current with: "
            f"signal-backups undelete {newest.day} --version-id VERSION_ID",
        )
    if doubtful_manifest(vault, history.slot, newest) is not None:
        raise unknown_manifest(history.slot)


def _is_current(vault: BackupVault, history: SlotHistory, version_id: str) -> bool:
    """Return whether the named version, or a copy of it, is current and vouched for."""
    current = history.versions[0]
    if current.hides:
        return False
    manifest = newest_manifest(vault, history.slot)
    if manifest is None or manifest != vault.readable_manifest(history.slot):
        return False
    return manifest.backup.version_id == current.version_id and version_id in (current.version_id, manifest.copied_from)


def _is_last_word(vault: BackupVault, chosen: ChosenBackup) -> bool:
    """Whether the newest manifest vouches for it; the next backup is compared with nothing else."""
    newest = newest_manifest(vault, chosen.slot)
    is_on_top = newest is not None and newest == vault.readable_manifest(chosen.slot)
    return newest is None or (is_on_top and newest.backup.version_id == chosen.version.version_id)


def _named(vault: BackupVault, history: SlotHistory, version_id: str) -> ChosenBackup:
    try:
        return choose_key(vault, history.key, version_id)
    except NotFoundError as error:
        remedy = f"Bring the newest good version back with: signal-backups undelete {history.slot.day}"
        raise NotFoundError(error.what, remedy=f"{error.remedy}. {remedy}") from error


def _newest_good(vault: BackupVault, history: SlotHistory, scratch: Path) -> ChosenBackup:
    """Return the newest version that was verified and verifies now, or is archived and cannot be read."""
    candidates = good_versions(history)
    if not candidates:
        version = next(version for version in history.versions if not version.is_delete_marker)
        raise NotFoundError(
            f"no version of {vault.store.uri(history.key)} was ever verified",
            remedy="If the database still has the day, back it up again with: signal-backups backup "
            f"{history.slot.day}; or restore an unverified version, the newest with: signal-backups restore --key "
            f"{history.key} --version-id {version.version_id} --target TARGET",
        )
    refused: FetchedBackup | None = None
    with scratch_folder(scratch, "undelete-") as folder:
        for candidate in candidates:
            try:
                fetched = fetch(vault, candidate, folder)
            except ArchivedError:
                return candidate
            except NotFoundError:
                continue
            if fetched.report.ok:
                return candidate
            refused = refused or fetched
    if refused is None:
        raise vault.absence(history.slot.day)
    about = {"day": history.slot.day.isoformat(), "copied_from": refused.chosen.version.version_id}
    with vault.trail.recording_failure(Action.UNDELETE, about):
        raise refusal(refused, None)


def _copy_up(vault: BackupVault, chosen: ChosenBackup, scratch: Path, clock: Clock) -> Manifest:
    """Store a copy of a version, read it back, and write its manifest."""
    started = clock()
    with scratch_folder(scratch, "undelete-") as folder:
        fetched = fetch(vault, chosen, folder)
        if not fetched.report.ok:
            raise refusal(fetched, nearest_good_version(vault, chosen, folder))
        if chosen.manifest is None:
            raise NotFoundError(
                f"no manifest vouches for version {chosen.version.version_id} of {vault.store.uri(chosen.version.key)}",
                remedy=f"Choose a verified version, see: signal-backups versions {chosen.day}",
            )
        good = FileDigest(fetched.report.bytes, fetched.report.sha256)
        stored = put_csv(vault, chosen.version.key, fetched.csv, good, chosen.manifest.records, chosen.day)
        report = read_back(vault, stored, chosen.manifest.expected, folder / "read_back.csv")
        # Computed here, because manifests of older releases have no Merkle root.
        root = root_of_csv(fetched.csv, chosen.manifest.extra_columns)
    finished = clock()
    replaces = vault.store.head(vault.layout.manifest_key(chosen.slot))
    newest = newest_manifest(vault, chosen.slot)
    manifest = chosen.manifest.model_copy(
        update={
            "replacements": newest.replacements if newest else chosen.manifest.replacements,
            "differences": None,
            "backup": stored,
            "copied_from": chosen.version.version_id,
            "started_at": started,
            "finished_at": finished,
            "verification": verification_result(report, finished),
            "merkle_root": root,
        }
    )
    return write_manifest(vault, chosen.slot, manifest, replaces)


def _record(vault: BackupVault, result: Result, objects: list[ObjectName], details: dict[str, Any]) -> int | None:
    return number_of(vault.trail.record(Action.UNDELETE, result, objects, details))
