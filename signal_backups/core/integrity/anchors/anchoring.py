"""Anchoring the heads of both logs outside of the bucket, where somebody who rewrites the bucket cannot reach."""

from __future__ import annotations

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.integrity.anchors.anchors import AnchorResult, write_anchor
from signal_backups.core.integrity.anchors.heads import current_statement
from signal_backups.core.integrity.anchors.outside import Outside
from signal_backups.core.vault.vault import BackupVault


def anchor_heads(vault: BackupVault, outside: Outside) -> AnchorResult:
    """Anchor the present state of both logs; failures are in the result.

    Raises:
        SettingsError: there is nowhere to anchor it.
        VerificationError: the manifest log is not in order.
        StoreError: the bucket cannot be read.
    """
    if not outside.is_anywhere:
        raise SettingsError(
            "there is nothing outside to anchor to",
            remedy="Name a time-stamp authority with SIGNAL_BACKUPS_TSA_URL, or a second bucket with "
            "SIGNAL_BACKUPS_ANCHOR_BUCKET",
        )
    statement = current_statement(vault)
    return write_anchor(
        vault, statement.to_bytes(), statement.at, outside.authority_url, outside.second, outside.ca_pem
    )
