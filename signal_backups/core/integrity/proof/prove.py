"""Making the proof that one signal is in the backup of its day, from the objects in the bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ArchivedError, NotFoundError, VerificationError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.integrity.anchors.anchors import Anchor, read_anchors
from signal_backups.core.integrity.anchors.current_tree_head import current_tree_head
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.integrity.proof.proof_file import PROVEN_FIELDS, Inclusion, Proof
from signal_backups.core.integrity.proof.verify_proof import verify_proof
from signal_backups.core.signals.csv_file import reading_rows
from signal_backups.core.signals.extra_columns import EXTRA_VALUES
from signal_backups.core.signals.fields import SIGNAL_ID
from signal_backups.core.signals.merkle import inclusion_path, leaves, streamed_path
from signal_backups.core.signals.row_tree import row_leaves
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.objects import StoredBackup
from signal_backups.core.vault.vault import BackupVault

_EXAMINE = "See what is wrong with: signal-backups audit verify"


@dataclass(frozen=True)
class SearchResult:
    """A proof, and the days that could not be searched before it was found, each with the reason."""

    proof: Proof
    not_searched: dict[date, str]


def backed_up_days(vault: BackupVault) -> list[date]:
    """Every day that has a backup, newest first."""
    return sorted({backup.slot.day for backup in vault.backups(date.min, date.max)}, reverse=True)


def prove(vault: BackupVault, signal_id: str, day: date, folder: Path) -> Proof:
    """Prove that a signal is in the backup of a day.

    The proof contains the newest anchored tree head that covers the backup, or else the current tree head.

    Args:
        vault: the backups.
        signal_id: the signal.
        day: the day (UTC) whose backup is searched.
        folder: folder for downloads; emptied again.

    Raises:
        NotFoundError: the day has no backup, or its backup does not contain the signal.
        ArchivedError: the backup has to be thawed first.
        VerificationError: the backup cannot be proven: an earlier release wrote it, it differs from its manifest, or
            the manifest is not in the manifest log.
        StoreError: the store cannot be reached or refuses.
    """
    row = _find(vault, signal_id, day, folder)
    if row is None:
        raise NotFoundError(
            f"no signal {signal_id!r} in the backup of {day}",
            remedy="Leave the day away to search all backups; a quarantined signal is in none",
        )
    return _proof_of(vault, row)


def search(
    vault: BackupVault,
    signal_id: str,
    days: Sequence[date],
    folder: Path,
    *,
    on_day_searched: Callable[[], None],
) -> SearchResult:
    """Prove that a signal is in a backup, searching several days in the given order until one contains it.

    Days whose backup cannot be read or verified are skipped; ``on_day_searched`` is called after each day.

    Raises:
        NotFoundError: no day that could be searched contains it.
        VerificationError: the signal was found, but its backup cannot be proven; see ``prove``.
        StoreError: the store cannot be reached or refuses.
    """
    not_searched: dict[date, str] = {}
    for day in days:
        row = None
        try:
            row = _find(vault, signal_id, day, folder)
        except (ArchivedError, NotFoundError, VerificationError) as error:
            not_searched[day] = error.what
        on_day_searched()
        if row is not None:
            return SearchResult(_proof_of(vault, row), not_searched)
    unsearched = "".join(f"; {day} was not searched: {reason}" for day, reason in not_searched.items())
    raise NotFoundError(
        f"no signal {signal_id!r} in {len(days) - len(not_searched)} backups{unsearched}",
        remedy="Check the id; a quarantined signal is in no backup",
    )


@dataclass(frozen=True)
class _Row:
    """A signal in a backup, and its place in the row tree."""

    signal: dict[str, str]
    extra: dict[str, str | None]
    inclusion: Inclusion
    backup: StoredBackup
    manifest: Manifest


def _find(vault: BackupVault, signal_id: str, day: date, folder: Path) -> _Row | None:
    """Find a signal in the backup of a day; None when it is not in it."""
    backup = vault.find(day)
    manifest = backup.manifest
    if manifest is None:
        raise VerificationError(
            f"no manifest vouches for {vault.store.uri(backup.key)}", remedy=f"Run: signal-backups backup {day}"
        )
    with _downloaded(vault, manifest, folder) as csv:
        columns = ", ".join((EXTRA_VALUES, *PROVEN_FIELDS))
        numbered = f"SELECT row_number() OVER () - 1 AS index, {columns}"
        with reading_rows(csv) as (cursor, rows):
            found = cursor.execute(
                f"SELECT * FROM ({numbered} FROM {rows}) WHERE {SIGNAL_ID} = ? LIMIT 1", [signal_id]
            ).fetchone()
        if found is None:
            return None
        index, values, *texts = found
        if index >= manifest.records or None in texts:
            raise VerificationError(
                f"row {index + 1} of {vault.store.uri(backup.key)} does not fit its manifest",
                remedy=_EXAMINE,
            )
        path = streamed_path(row_leaves(csv, manifest.extra_columns), index, manifest.records)
    signal = dict(zip(PROVEN_FIELDS, texts, strict=True))
    extra = dict(zip(manifest.extra_columns, values, strict=True)) if manifest.extra_columns else {}
    return _Row(signal, extra, _inclusion(index, manifest.records, path), backup, manifest)


@contextmanager
def _downloaded(vault: BackupVault, manifest: Manifest, folder: Path) -> Iterator[Path]:
    """Download the version that a manifest vouches for; the file exists only inside the ``with`` block."""
    stored = manifest.backup
    with scratch_folder(folder, "prove-") as scratch:
        csv = scratch / Path(stored.key).name
        vault.store.get_file(stored.key, stored.version_id, csv)
        if digest(csv).sha256 != stored.sha256:
            raise VerificationError(
                f"{vault.store.uri(stored.key)} version {stored.version_id} is not what its manifest says",
                remedy=f"Run: signal-backups verify --date {manifest.day}",
            )
        yield csv


def _proof_of(vault: BackupVault, row: _Row) -> Proof:
    manifest = row.manifest
    if manifest.merkle_root is None or manifest.number is None:
        raise VerificationError(
            f"the backup of {manifest.day} was written by a release without proofs",
            remedy=f"Back the day up again with: signal-backups backup {manifest.day}",
        )
    body, _ = vault.store.get_bytes(vault.layout.manifest_key(row.backup.slot))
    anchor, anchored = _best_anchor(vault, manifest.number) or (None, None)
    tree_head = anchored or current_tree_head(vault)
    hashes = [entry.sha256 for entry in vault.manifest_log.entries(1, tree_head.manifests.number)]
    if hashes[manifest.number - 1 : manifest.number] != [sha256(body).hexdigest()]:
        raise VerificationError(
            f"the manifest of {manifest.day} is not number {manifest.number} of the manifest log", remedy=_EXAMINE
        )
    path = inclusion_path(leaves(map(bytes.fromhex, hashes)), manifest.number - 1)
    proof = Proof(
        format=2 if row.extra else 1,
        signal=row.signal,
        extra=row.extra or None,
        row=row.inclusion,
        manifest=body.decode(),
        log=_inclusion(manifest.number - 1, len(hashes), path),
        statement=tree_head.to_bytes().decode(),
        timestamps=anchor.timestamps if anchor else [],
    )
    findings = verify_proof(proof.to_bytes()).findings
    if findings:
        raise VerificationError(
            f"the backup of {manifest.day} cannot be proven: {'; '.join(finding.what for finding in findings)}",
            remedy=_EXAMINE,
        )
    return proof


def _best_anchor(vault: BackupVault, manifest: int) -> tuple[Anchor, TreeHead] | None:
    """The newest anchor with a time stamp that covers a manifest, or else the newest that covers it."""
    covering = []
    for stored in reversed(read_anchors(vault.store, vault.layout)):
        try:
            anchor = Anchor.from_bytes(stored.body or b"")
            tree_head = TreeHead.from_bytes(anchor.statement.encode())
        except VerificationError:
            continue  # of no use here; ``examine_anchors`` reports it
        if tree_head.manifests.number >= manifest:
            covering.append((anchor, tree_head))
    return max(covering, key=lambda found: bool(found[0].timestamps), default=None)


def _inclusion(index: int, size: int, path: list[bytes]) -> Inclusion:
    return Inclusion(index=index, size=size, path=[node.hex() for node in path])
