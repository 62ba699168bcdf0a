"""The layers of detection, and which of them notices an altered day."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.examine_trail import examine_trail
from signal_backups.core.signals.row_tree import root_of_csv
from signal_backups.core.signals.verify_csv import verify_csv
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.vault import BackupVault


class Layer(StrEnum):
    """What is looked at; each one includes those before it."""

    ROW_HASH = "row hash alone"
    MANIFEST = "+ manifest"
    CHAIN = "+ logs"
    OUTSIDE = "+ lock or anchor"


def caught_by(vault: BackupVault, slot: BackupSlot, destinations: AnchorDestinations, scratch: Path) -> set[Layer]:
    """The layers at which the altered day is noticed.

    Args:
        vault: the bucket after the attack.
        slot: the altered day.
        destinations: where there are anchors that the attacker could not reach.
        scratch: folder for a download.
    """
    trail = examine_trail(vault, full=True)
    noticed = {
        Layer.ROW_HASH: _rows_do_not_match(vault, slot, scratch),
        Layer.MANIFEST: _manifest_does_not_match(vault, slot, scratch),
        # What the lock keeps, shows as versions that lie below others.
        Layer.CHAIN: not trail.ok,
        Layer.OUTSIDE: not examine_trail(vault, full=True, second=destinations.second).ok,
    }
    layers = list(Layer)
    return {layer for place, layer in enumerate(layers) if any(noticed[each] for each in layers[: place + 1])}


def _rows_do_not_match(vault: BackupVault, slot: BackupSlot, scratch: Path) -> bool:
    return verify_csv(_downloaded(vault, slot, scratch)).bad_row_count > 0


def _manifest_does_not_match(vault: BackupVault, slot: BackupSlot, scratch: Path) -> bool:
    manifest, csv = vault.manifest(slot), _downloaded(vault, slot, scratch)
    assert manifest is not None
    return not verify_csv(csv, manifest.expected).ok or root_of_csv(csv) != manifest.merkle_root


def _downloaded(vault: BackupVault, slot: BackupSlot, scratch: Path) -> Path:
    target = scratch / "altered.csv"
    target.write_bytes(vault.store.get_bytes(vault.layout.backup_key(slot))[0])
    return target
