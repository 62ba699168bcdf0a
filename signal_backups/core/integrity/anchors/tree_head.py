"""The tree head: both logs at one moment, as one line of JSON. Whoever keeps its hash can detect later changes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.signals.merkle import MerkleTree, leaves

#: A SHA-256 in lower-case hex.
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
#: A number of entries, rows or nodes; the limit is far beyond any real number.
Count = Annotated[int, Field(ge=0, lt=2**63)]
#: A point in time: UTC, whole seconds.
Second = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC).replace(microsecond=0))]


class LogHead(BaseModel, frozen=True, extra="forbid"):
    """The newest entry of a log: its number (0: the log is empty) and the SHA-256 of its bytes."""

    number: Count
    sha256: Sha256


class ManifestHead(LogHead):
    """The newest manifest, and the root of the log tree over all of them (RFC 6962, hex)."""

    root: Sha256


class TreeHead(BaseModel, frozen=True, extra="forbid"):
    """The heads of a bucket's audit trail and manifest log at one moment (UTC, whole seconds)."""

    at: Second
    bucket: str
    events: LogHead
    manifests: ManifestHead
    format: Literal[1] = 1

    def to_bytes(self) -> bytes:
        """The exact bytes that are hashed and stamped: one line of JSON, keys sorted, ASCII."""
        document = self.model_dump() | {"at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}"}
        return (json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n").encode("ascii")

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes, lower-case hex."""
        return sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, body: bytes) -> TreeHead:
        """Read a tree head.

        Raises:
            VerificationError: the bytes are not a tree head, or not exactly as ``to_bytes`` writes it.
        """
        try:
            tree_head = cls.model_validate_json(body)
        except ValidationError as error:
            raise VerificationError(f"not a tree head of the logs: {error.errors()[0]['msg']}") from error
        if tree_head.to_bytes() != body:
            raise VerificationError("the tree head is not in its exact format")
        return tree_head


def tree_head_of(at: datetime, bucket: str, events: LogHead, manifests: Iterable[str]) -> TreeHead:
    """Compute the tree head of both logs.

    Args:
        at: the time, with a time zone.
        bucket: the bucket that holds the logs.
        events: head of the audit trail.
        manifests: SHA-256 (hex) of every manifest in the manifest log, from number 1 on.
    """
    hashes = list(manifests)
    tree = MerkleTree()
    tree.add(leaves(map(bytes.fromhex, hashes)))
    head = ManifestHead(number=len(hashes), sha256=hashes[-1] if hashes else FIRST, root=tree.root().hex())
    return TreeHead(at=at, bucket=bucket, events=events, manifests=head)
