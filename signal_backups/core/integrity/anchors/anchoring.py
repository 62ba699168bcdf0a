"""Writing an anchor of both logs outside of the bucket."""

from __future__ import annotations

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.integrity.anchors.anchors import AnchorResult, write_anchor
from signal_backups.core.integrity.anchors.current_tree_head import current_tree_head
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.vault.vault import BackupVault


def anchor_heads(vault: BackupVault, destinations: AnchorDestinations) -> AnchorResult:
    """Anchor the current state of both logs; failures are in the result.

    Raises:
        SettingsError: neither a time-stamp authority nor a second bucket is set.
        VerificationError: the manifest log has findings.
        StoreError: the bucket cannot be read.
    """
    if not destinations.is_configured:
        raise SettingsError(
            "there is no place outside of the bucket to anchor to",
            remedy="Name a time-stamp authority with SIGNAL_BACKUPS_TSA_URL, or a second bucket with "
            "SIGNAL_BACKUPS_ANCHOR_BUCKET",
        )
    tree_head = current_tree_head(vault)
    return write_anchor(vault, tree_head.to_bytes(), tree_head.at, destinations)
