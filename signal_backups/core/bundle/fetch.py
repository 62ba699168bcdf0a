"""Collect a bundle from the store: the logs at once, the files of the days one day at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from signal_backups.core.base.days import Clock, days_between, utc_now
from signal_backups.core.base.digest import FileDigest, digest
from signal_backups.core.base.errors import ArchivedError, NotFoundError, VerificationError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.bundle.content import UNVOUCHED, BundleContent, BundleDay, BundleFile, DayEntry, replaced_name
from signal_backups.core.integrity.anchors.anchors import read_anchors
from signal_backups.core.integrity.anchors.tree_head import LogHead, tree_head_of
from signal_backups.core.ledger.chained_log import FIRST, Entry
from signal_backups.core.restore.selection import ChosenBackup, UnavailableDay, choose_days
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.thaw import ThawState, needs_thaw, state_of
from signal_backups.core.vault.manifest import Manifest, StoredFile
from signal_backups.core.vault.vault import BackupVault

#: By key and version id.
_Listed = Mapping[tuple[str, str], ObjectVersion]

_EXAMINE = "See what is wrong with: signal-backups audit verify"


def bundle_content(
    vault: BackupVault, first: date, last: date, scratch: Path, *, clock: Clock = utc_now
) -> BundleContent:
    """What a bundle of a range of days holds.

    For each day it is the version that the newest manifest of the log names, even if that is no longer current.

    Args:
        vault: the backups.
        first: first day.
        last: last day, included.
        scratch: folder for downloads, one day at a time.
        clock: the present.

    Raises:
        ArchivedError: a version has to thaw first.
        NotFoundError: an entry of a log is missing.
        VerificationError: an entry of a log cannot be read.
        StoreError: the store cannot be reached or refuses.
    """
    # Each is read before what it may speak of.
    anchors = read_anchors(vault.store, vault.layout)
    events = list(vault.trail.log.entries())
    manifest_log = list(vault.manifest_log.entries())
    made_at = clock()
    head = LogHead(number=len(events), sha256=events[-1].sha256 if events else FIRST)
    statement = tree_head_of(made_at, vault.store.bucket, head, [entry.sha256 for entry in manifest_log])
    vouching = _vouching(vault, manifest_log, first, last)
    newest = {day: manifests[-1] for day, manifests in vouching.items()}
    replaced = {day: _replaced(manifests) for day, manifests in vouching.items()}
    others = _others(vault, [day for day in days_between(first, last) if day not in newest])
    listed = _listed(vault, first, last)
    _require_thawed(vault, listed, newest, replaced, others, clock)
    return BundleContent(
        bucket=vault.store.bucket,
        prefix=vault.layout.prefix,
        first=first,
        last=last,
        made_at=made_at,
        statement=statement.to_bytes(),
        manifests=[entry.body for entry in manifest_log],
        events=[_line(vault, entry) for entry in events],
        anchors={anchor.key.rpartition("/")[2]: anchor.body for anchor in anchors if anchor.body is not None},
        days=_days(vault, list(days_between(first, last)), newest, replaced, others, listed, scratch),
    )


def _line(vault: BackupVault, event: Entry) -> bytes:
    if event.body.find(b"\n") != len(event.body) - 1:
        raise VerificationError(f"{vault.store.uri(event.key)} is not one line", remedy=_EXAMINE)
    return event.body


def _vouching(vault: BackupVault, manifest_log: Sequence[Entry], first: date, last: date) -> dict[date, list[Manifest]]:
    """The manifests of each day, oldest first."""
    found: dict[date, list[Manifest]] = {}
    for entry in manifest_log:
        uri = vault.store.uri(entry.key)
        manifest = Manifest.from_bytes(entry.body, uri)
        if manifest.number != entry.number:
            raise VerificationError(f"{uri} says that it is number {manifest.number}", remedy=_EXAMINE)
        if first <= manifest.day <= last:
            found.setdefault(manifest.day, []).append(manifest)
    return found


def _replaced(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Of a day with a replacement every other version that was vouched for, each with its first manifest."""
    newest = manifests[-1]
    if not newest.replacements:
        return []
    versions: dict[str, Manifest] = {}
    for manifest in manifests:
        versions.setdefault(manifest.backup.version_id, manifest)
    return [manifest for version, manifest in versions.items() if version != newest.backup.version_id]


def _others(vault: BackupVault, days: Sequence[date]) -> dict[date, ChosenBackup | UnavailableDay]:
    """What the store has of days that the log knows nothing of."""
    if not days:
        return {}
    try:
        return {item.day: item for item in choose_days(vault, min(days), max(days)) if item.day in set(days)}
    except NotFoundError:
        return {}


def _listed(vault: BackupVault, first: date, last: date) -> _Listed:
    slots = (vault.backup_versions(first, last), vault.quarantine_versions(first, last))
    return {
        (version.key, version.version_id): version
        for found in slots
        for versions in found.values()
        for version in versions
        if not version.is_delete_marker
    }


def _require_thawed(
    vault: BackupVault,
    listed: _Listed,
    newest: Mapping[date, Manifest],
    replaced: Mapping[date, Sequence[Manifest]],
    others: Mapping[date, ChosenBackup | UnavailableDay],
    clock: Clock,
) -> None:
    wanted = [(file.key, file.version_id) for manifest in newest.values() for file in _files(manifest)]
    wanted += [(each.backup.key, each.backup.version_id) for manifests in replaced.values() for each in manifests]
    chosen = [other.version for other in others.values() if isinstance(other, ChosenBackup)]
    wanted += [(version.key, version.version_id) for version in chosen]
    frozen = [
        version
        for version in (listed[name] for name in wanted if name in listed)
        if needs_thaw(version.storage_class) and state_of(vault.store, version, clock()) is not ThawState.READABLE
    ]
    if frozen:
        days = sorted({*newest, *others})
        raise ArchivedError(
            f"{len(frozen)} of {len(wanted)} files are archived and have to thaw first, for one "
            f"{vault.store.uri(frozen[0].key)} version {frozen[0].version_id}",
            remedy=f"Ask with: signal-backups restore --from {days[0]} --to {days[-1]} --target FOLDER --no-wait; "
            "then run this again",
        )


def _files(manifest: Manifest) -> list[StoredFile]:
    return [manifest.backup, *([manifest.quarantine] if manifest.quarantine else [])]


def _days(
    vault: BackupVault,
    days: Sequence[date],
    newest: Mapping[date, Manifest],
    replaced: Mapping[date, Sequence[Manifest]],
    others: Mapping[date, ChosenBackup | UnavailableDay],
    listed: _Listed,
    scratch: Path,
) -> Iterator[BundleDay]:
    for day in days:
        with scratch_folder(scratch, "bundle-") as folder:
            if day in newest:
                yield _vouched(vault, newest[day], replaced[day], listed, folder)
            else:
                yield _unvouched(vault, day, others.get(day), folder)


def _vouched(
    vault: BackupVault, manifest: Manifest, replaced: Sequence[Manifest], listed: _Listed, folder: Path
) -> BundleDay:
    files, lost = [], []
    for stored in _files(manifest):
        try:
            files.append(_fetched(vault, stored, listed, folder))
        except (NotFoundError, VerificationError) as error:
            lost.append(error.what)
    for earlier in replaced:
        # One that expired or was damaged is no gap of the day; the verifier says that it is not here.
        with suppress(NotFoundError, VerificationError):
            own = folder / f"{earlier.number}"
            own.mkdir()
            file = _fetched(vault, earlier.backup, listed, own)
            files.append(BundleFile(replaced_name(earlier), file.source))
    names = {file.name for file in files}
    has_csv = manifest.backup.key in names
    quarantine = manifest.quarantine.key if manifest.quarantine and manifest.quarantine.key in names else None
    entry = DayEntry(
        day=manifest.day,
        csv=manifest.backup.key if has_csv else None,
        quarantine=quarantine,
        manifest=manifest.number,
        records=manifest.records if has_csv else None,
        missing="; ".join(lost) or None,
    )
    return BundleDay(entry, files)


def _fetched(vault: BackupVault, stored: StoredFile, listed: _Listed, folder: Path) -> BundleFile:
    uri = f"{vault.store.uri(stored.key)} version {stored.version_id}"
    if (stored.key, stored.version_id) not in listed:
        raise NotFoundError(f"{uri} is not in S3 any more")
    path = folder / stored.key.rpartition("/")[2]
    vault.store.get_file(stored.key, stored.version_id, path)
    found = digest(path)
    if found != FileDigest(stored.bytes, stored.sha256):
        raise VerificationError(
            f"{uri} comes as {found.bytes} bytes with SHA-256 {found.sha256}, which is not what its manifest says"
        )
    return BundleFile(stored.key, path)


def _unvouched(vault: BackupVault, day: date, other: ChosenBackup | UnavailableDay | None, folder: Path) -> BundleDay:
    if other is None:
        return BundleDay(DayEntry(day=day, missing="there is no backup"))
    if isinstance(other, UnavailableDay):
        return BundleDay(DayEntry(day=day, missing=other.error.what))
    name, path = f"{UNVOUCHED}{other.version.key}", folder / "backup.csv"
    vault.store.get_file(other.version.key, other.version.version_id, path)
    entry = DayEntry(day=day, missing="backed up before there was a manifest log", unvouched=[name])
    return BundleDay(entry, [BundleFile(name, path)])
