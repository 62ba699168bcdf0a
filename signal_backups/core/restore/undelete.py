"""Bringing a day's backup back as the current one: by removing delete markers, or by copying a good version up.

What is there already is never removed; what was done is recorded in an object of its own.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict

from signal_backups.core.backup_object import put_csv, read_back, write_manifest
from signal_backups.core.days import Clock, utc_now
from signal_backups.core.errors import NotFoundError, StoreError
from signal_backups.core.layout import BackupSlot
from signal_backups.core.manifest import verification_result
from signal_backups.core.records import write_record
from signal_backups.core.restore.fetching import fetch, nearest_good_version, refusal
from signal_backups.core.restore.selection import ChosenBackup, choose_key, good_versions
from signal_backups.core.store import ObjectVersion
from signal_backups.core.vault import BackupVault, SlotHistory


class Undeletion(BaseModel):
    """What was done; ``version_id`` is current now. ``record_key`` is None when nothing had to be done."""

    model_config = ConfigDict(frozen=True)

    day: date
    key: str
    version_id: str
    removed_markers: list[str] = []
    copied_from: str | None = None
    record_key: str | None = None


def undelete(
    vault: BackupVault, day: date, version_id: str | None, scratch: Path, actor: str, clock: Clock = utc_now
) -> Undeletion:
    """Make a verified version of the day current again.

    Without a ``version_id`` delete markers are removed; when that is not allowed, or what lies below was never
    verified, the newest verified version is copied up. Doing it again does nothing.

    Args:
        vault: where the backups are.
        day: the UTC day.
        version_id: the version to copy up; None for the newest good one.
        scratch: folder for downloads.
        actor: who does it, for the record.
        clock: the present, UTC.

    Raises:
        NotFoundError: the day has no backup, or no such version.
        RefusedBackupError: the version does not verify.
    """
    history = _history_of(vault, day)
    removed: list[str] = []
    if version_id is None:
        removed = _remove_markers(vault, history)
        history = vault.history(history.slot) or history
    done = Undeletion(day=day, key=history.key, version_id=history.versions[0].version_id, removed_markers=removed)
    if removed:
        # Before anything else can fail: what was done is recorded even when a copy does not follow.
        done = _recorded(vault, done, actor, clock)
    if _is_current(vault, history, version_id):
        return done
    chosen = choose_key(vault, history.key, version_id or _newest_good(vault, history))
    copied = _copy_up(vault, chosen, scratch, clock)
    copy = {"version_id": copied, "copied_from": chosen.version.version_id}
    return _recorded(vault, done.model_copy(update=copy), actor, clock)


def _history_of(vault: BackupVault, day: date) -> SlotHistory:
    histories = {history.slot: history for history in vault.histories(day, day)}
    if not histories:
        raise NotFoundError(f"no backup of {day} was ever stored", remedy="See: signal-backups list")
    return histories.get(BackupSlot(day)) or histories[max(histories)]


def _remove_markers(vault: BackupVault, history: SlotHistory) -> list[str]:
    """Remove the markers on top of the day's objects; none when the store does not allow it."""
    slot = history.slot
    removed: list[str] = []
    for key in (history.key, vault.layout.manifest_key(slot), vault.layout.quarantine_key(slot)):
        # Listed anew each time: of versions of one second a listing does not tell which is the newer.
        while (marker := _marker_on_top(vault, key)) is not None:
            name = f"{key}?versionId={marker.version_id}"
            if name in removed:
                break
            try:
                vault.store.remove_delete_marker(marker)
            except StoreError as error:
                if error.transient:
                    raise
                return removed
            removed.append(name)
    return removed


def _marker_on_top(vault: BackupVault, key: str) -> ObjectVersion | None:
    versions = vault.store.list_versions(key)
    return versions[0] if versions and versions[0].key == key and versions[0].is_delete_marker else None


def _is_current(vault: BackupVault, history: SlotHistory, version_id: str | None) -> bool:
    """Whether what was asked for is so already: a good version is current, the named one or a copy of it."""
    current = history.versions[0]
    if current.hides:
        return False
    if version_id is None:
        return history.vouching(current.version_id) is not None
    manifest = vault.readable_manifest(history.slot)
    vouches = manifest is not None and manifest.backup.version_id == current.version_id
    return manifest is not None and vouches and version_id in (current.version_id, manifest.copied_from)


def _newest_good(vault: BackupVault, history: SlotHistory) -> str:
    candidates = good_versions(history)
    if not candidates:
        raise NotFoundError(
            f"no version of {vault.store.uri(history.key)} was ever verified",
            remedy=f"Restore one as it is with: signal-backups restore --key {history.key} --version-id ID",
        )
    return candidates[0].version.version_id


def _copy_up(vault: BackupVault, chosen: ChosenBackup, scratch: Path, clock: Clock) -> str:
    """Store a version anew, read it back, and let a manifest vouch for it."""
    started = clock()
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="undelete-") as name:
        folder = Path(name)
        fetched = fetch(vault, chosen, folder)
        if not fetched.report.ok:
            raise refusal(fetched, nearest_good_version(vault, chosen, folder))
        if chosen.manifest is None:
            raise NotFoundError(
                f"no manifest vouches for version {chosen.version.version_id} of {vault.store.uri(chosen.version.key)}",
                remedy=f"Take a verified one, see: signal-backups versions {chosen.day}",
            )
        stored = put_csv(vault, chosen.version.key, fetched.csv, chosen.manifest.records, chosen.day)
        report = read_back(vault, stored, chosen.manifest.expected, folder / "read_back.csv")
    finished = clock()
    manifest = chosen.manifest.model_copy(
        update={
            "backup": stored,
            "copied_from": chosen.version.version_id,
            "started_at": started,
            "finished_at": finished,
            "verification": verification_result(report, finished),
        }
    )
    write_manifest(vault, chosen.slot, manifest)
    return stored.version_id


def _recorded(vault: BackupVault, done: Undeletion, actor: str, clock: Clock) -> Undeletion:
    details = done.model_dump(mode="json", exclude={"record_key"})
    key = write_record(vault, "undelete", "undelete", actor, clock(), details)
    return done.model_copy(update={"record_key": key})
