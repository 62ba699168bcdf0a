"""The tree head of both logs at this moment."""

from __future__ import annotations

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead, tree_head_of
from signal_backups.core.integrity.log.examine_log import examine_log
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.integrity.log.segments import Segments
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.vault.vault import BackupVault


def current_tree_head(vault: BackupVault) -> TreeHead:
    """Read the current tree head.

    Raises:
        VerificationError: the manifest log has findings, so there is no tree head.
        StoreError: the store cannot be read.
    """
    # Events first: the manifest log, read later, then has every manifest that they name.
    events = vault.trail.log.head()
    head = LogHead(number=events.number, sha256=events.sha256) if events else LogHead(number=0, sha256=FIRST)
    manifests = examine_log(Segments(vault, LogName.MANIFESTS))
    if manifests.findings:
        raise VerificationError(
            f"the manifest log is not in order: {manifests.findings[0].words}",
            remedy="See all that is wrong with: signal-backups audit verify",
        )
    hashes = [manifests.entries[number].sha256 for number in range(1, manifests.last + 1)]
    return tree_head_of(vault.store.clock(), vault.store.bucket, head, hashes)
