"""The present state of both logs."""

from __future__ import annotations

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead, tree_head_of
from signal_backups.core.integrity.log.examine_log import examine_log
from signal_backups.core.integrity.log.findings import LogName
from signal_backups.core.integrity.log.segments import Segments
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.vault.vault import BackupVault


def current_statement(vault: BackupVault) -> TreeHead:
    """The present tree head.

    Raises:
        VerificationError: the manifest log is not in order, so it has no tree head.
        StoreError: the store cannot be read.
    """
    # The trail first: the manifest log then has every manifest that the trail names.
    events = vault.trail.log.head()
    head = LogHead(number=events.number, sha256=events.sha256) if events else LogHead(number=0, sha256=FIRST)
    chain = examine_log(Segments(vault, LogName.MANIFESTS))
    if chain.findings:
        raise VerificationError(
            f"the manifest log is not in order: {chain.findings[0].words}",
            remedy="See all that is wrong with: signal-backups audit verify",
        )
    hashes = [chain.seen[number].sha256 for number in range(1, chain.last + 1)]
    return tree_head_of(vault.store.clock(), vault.store.bucket, head, hashes)
