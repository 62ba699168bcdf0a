"""Logs as lists of hashes, anchors of them, and their examination."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from signal_backups.core.integrity.anchors.anchors import Anchor, StoredAnchor
from signal_backups.core.integrity.anchors.examine_anchors import (
    AnchorExamination,
    AnchorFinding,
    EntryHash,
    examine_anchors,
)
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, request_timestamp
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead, tree_head_of
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.vault.layout import Layout
from signal_backups_tests.servers.timestamp_authority import Authority

AT = datetime(2026, 11, 2, 2, 45, tzinfo=UTC)


def hashes(size: int, name: str = "entry") -> list[str]:
    """The SHA-256 of each entry of a log; logs with different names have different hashes."""
    return [sha256(f"{name} {number}".encode()).hexdigest() for number in range(1, size + 1)]


def entry_hash(log: Sequence[str]) -> EntryHash:
    return dict(enumerate(log, start=1)).get


def tree_head(events: Sequence[str], manifests: Sequence[str], at: datetime = AT, bucket: str = "main") -> TreeHead:
    return tree_head_of(at, bucket, LogHead(number=len(events), sha256=events[-1] if events else FIRST), manifests)


def stored_anchor(head: TreeHead, *stamps: Timestamp, bucket: str = "main") -> StoredAnchor:
    """An anchor as ``read_anchors`` returns it."""
    key = Layout().anchor_key(head.at, head.events.number)
    body = Anchor(statement=head.to_bytes().decode(), timestamps=list(stamps)).to_bytes()
    return StoredAnchor(f"s3://{bucket}/{key}", key, body, overwritten=False, deleted=False)


def daily_anchors(
    events: Sequence[str], manifests: Sequence[str], sizes: Sequence[tuple[int, int]]
) -> list[StoredAnchor]:
    """One anchor a day; ``sizes`` are the numbers of events and manifests that each covers."""
    return [
        stored_anchor(tree_head(events[:of_events], manifests[:of_manifests], AT + timedelta(days=day)))
        for day, (of_events, of_manifests) in enumerate(sizes)
    ]


def examined(
    anchors: Sequence[StoredAnchor],
    events: Sequence[str] = (),
    manifests: Sequence[str] = (),
    second: Sequence[StoredAnchor] = (),
    ca_pem: bytes | None = None,
) -> list[AnchorFinding]:
    return examine_anchors("main", anchors, second, entry_hash(events), entry_hash(manifests), ca_pem).findings


def confirmed(
    anchors: Sequence[StoredAnchor], second: Sequence[StoredAnchor] | None = None, ca_pem: bytes | None = None
) -> AnchorExamination:
    """Examine anchors that contradict nothing."""
    examination = examine_anchors("main", anchors, second, entry_hash(hashes(9)), entry_hash([]), ca_pem)
    assert examination.findings == []
    return examination


def stamp(authority: Authority, data: bytes) -> Timestamp:
    return Timestamp(authority=authority.url, token=base64.b64encode(request_timestamp(authority.url, data)).decode())
