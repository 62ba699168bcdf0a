"""Fixing the heads of both logs outside of the bucket: where nobody who rewrites the bucket can reach."""

from __future__ import annotations

from dataclasses import dataclass

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.integrity.anchors.anchors import AnchorResult, write_anchor
from signal_backups.core.integrity.anchors.heads import current_statement
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault


@dataclass(frozen=True)
class Outside:
    """What holds anchors besides the bucket itself.

    Attributes:
        authority_url: the RFC 3161 time-stamp authority; None: none.
        ca_pem: certificates (PEM) of its CA; None: its time stamps are kept unchecked.
        second: the second bucket; None: none.
    """

    authority_url: str | None = None
    ca_pem: bytes | None = None
    second: S3ObjectStore | None = None

    @property
    def is_anywhere(self) -> bool:
        """Whether there is any such place."""
        return self.authority_url is not None or self.second is not None


#: Nothing outside of the bucket itself.
NOWHERE = Outside()


def anchor_heads(vault: BackupVault, outside: Outside) -> AnchorResult:
    """Anchor what both logs come to now; what fails of it is in the result.

    Raises:
        SettingsError: there is nowhere to anchor it.
        VerificationError: the chain of manifests is not in order.
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
