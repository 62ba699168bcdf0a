"""Verifying a proof file, without store and database, from the file and what the examiner trusts."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar

from pydantic import BaseModel

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, verify_timestamp
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.integrity.proof.proof_file import Proof
from signal_backups.core.signals.fields import SIGNAL_ID, VERIFICATION_HASH
from signal_backups.core.signals.row_hash import HASHED_NUMBERS, matching_form
from signal_backups.core.vault.manifest import Manifest


class Part(StrEnum):
    """The part of a proof that a finding is about."""

    FILE = "file"
    SIGNAL = "signal"
    MANIFEST = "manifest"
    ROW_TREE = "row tree"
    TREE_HEAD = "statement"
    LOG_TREE = "log tree"
    TIMESTAMP = "time stamp"
    HEAD = "head"


class ProofFinding(BaseModel, frozen=True):
    """One thing that is wrong with a proof."""

    part: Part
    what: str


class Stamped(BaseModel, frozen=True):
    """A time stamp: the authority named in the proof, and the attested time (UTC).

    ``at`` is None when no CA was given, so that the time stamp was not verified.
    """

    authority: str
    at: datetime | None


class Proven(BaseModel, frozen=True):
    """What a proof without findings shows: the backup that contains the signal, and what confirms it.

    Attributes:
        signal_id: the signal.
        day: the day (UTC) of the backup.
        bucket: bucket of the backup.
        key: key of the backup.
        version_id: version of the backup.
        manifest: number of its manifest in the manifest log.
        manifests: how many manifests the tree head covers.
        statement_at: when the tree head was made (UTC), by its own date.
        statement_sha256: SHA-256 (hex) of the tree head.
        is_trusted_head: whether the examiner gave this hash as the trusted head.
        timestamps: the time stamps of the tree head.
    """

    signal_id: str
    day: date
    bucket: str
    key: str
    version_id: str
    manifest: int
    manifests: int
    statement_at: datetime
    statement_sha256: str
    is_trusted_head: bool
    timestamps: list[Stamped]

    @property
    def is_anchored(self) -> bool:
        """Whether something outside of the proof confirms it: a trusted head, or a verified time stamp."""
        return self.is_trusted_head or any(stamp.at is not None for stamp in self.timestamps)


class ProofReport(BaseModel, frozen=True):
    """All findings of a proof; ``proven`` is set only when there are none."""

    findings: list[ProofFinding]
    proven: Proven | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def verify_proof(body: bytes, ca_pem: bytes | None = None, head: str | None = None) -> ProofReport:
    """Verify a proof file.

    Without a trusted head or a verified time stamp (``Proven.is_anchored``), a proof shows only that it is consistent
    in itself: whoever makes up a signal can make up a whole proof for it.

    Args:
        body: the file.
        ca_pem: certificates (PEM) of the CA of its time stamps; None: time stamps are not verified.
        head: SHA-256 (hex) of the bytes of a tree head that the examiner trusts.
    """
    findings = _Findings()
    proof = findings.step(Part.FILE, lambda: Proof.from_bytes(body))
    if proof is None:
        return ProofReport(findings=findings.found)
    findings.step(Part.SIGNAL, lambda: _check_signal(proof.signal))
    manifest = findings.step(Part.MANIFEST, lambda: Manifest.from_bytes(proof.manifest.encode(), "what it holds"))
    tree_head = findings.step(Part.TREE_HEAD, lambda: TreeHead.from_bytes(proof.statement.encode()))
    if manifest is not None:
        findings.step(Part.ROW_TREE, lambda: _check_row_tree(proof, manifest))
    if manifest is not None and tree_head is not None:
        findings.step(Part.LOG_TREE, lambda: _check_log_tree(proof, manifest, tree_head))
    stamps = findings.step(Part.TIMESTAMP, lambda: _stamps(proof, ca_pem))
    findings.step(Part.HEAD, lambda: _check_head(proof, head))
    if findings.found or manifest is None or tree_head is None or stamps is None:
        return ProofReport(findings=findings.found)
    return ProofReport(
        findings=[],
        proven=Proven(
            signal_id=proof.signal[SIGNAL_ID],
            day=manifest.day,
            bucket=manifest.bucket,
            key=manifest.backup.key,
            version_id=manifest.backup.version_id,
            manifest=proof.log.index + 1,
            manifests=proof.log.size,
            statement_at=tree_head.at,
            statement_sha256=tree_head.sha256,
            is_trusted_head=head is not None,
            timestamps=stamps,
        ),
    )


Checked = TypeVar("Checked")


class _Findings:
    """Collects the findings of several checks; one that fails does not stop the others."""

    def __init__(self) -> None:
        self.found: list[ProofFinding] = []

    def step(self, part: Part, check: Callable[[], Checked]) -> Checked | None:
        """Run a check and return its result; a ``VerificationError`` becomes a finding, and the result None."""
        try:
            return check()
        except VerificationError as error:
            self.found.append(ProofFinding(part=part, what=str(error)))
            return None


def _check_signal(signal: Mapping[str, str]) -> None:
    numbers = {name: _number(name, signal[name]) for name in HASHED_NUMBERS}
    if matching_form({**signal, **numbers}, signal[VERIFICATION_HASH]) is None:
        raise VerificationError(f"signal {signal[SIGNAL_ID]!r} does not match its {VERIFICATION_HASH}")


def _number(name: str, text: str) -> float:
    """Parse a number that is written as in a backup: as ``repr`` writes a float, or as an integer."""
    try:
        number = float(text)
    except ValueError as error:
        raise VerificationError(f"{name} {text!r} is not a number") from error
    if text != repr(number) and not (number.is_integer() and text == str(int(number))):
        raise VerificationError(f"{name} {text!r} is not written as in a backup")
    return number


def _check_row_tree(proof: Proof, manifest: Manifest) -> None:
    if proof.row.size != manifest.records:
        raise VerificationError(f"its tree has {proof.row.size} rows, its manifest says {manifest.records}")
    if tuple(proof.extra or ()) != manifest.extra_columns:
        raise VerificationError(f"its extra columns are not those of its manifest, {', '.join(manifest.extra_columns)}")
    if proof.row.root_over(proof.leaf_data).hex() != manifest.merkle_root:
        raise VerificationError("the signal is not at that place in the backup that the manifest names")


def _check_log_tree(proof: Proof, manifest: Manifest, tree_head: TreeHead) -> None:
    # Trees of different sizes can share a path, so the root alone does not determine the index.
    if (proof.log.index + 1, proof.log.size) != (manifest.number, tree_head.manifests.number):
        raise VerificationError(
            f"its log path is for manifest {proof.log.index + 1} of {proof.log.size}, manifest and tree head say "
            f"{manifest.number} of {tree_head.manifests.number}"
        )
    if proof.log.root_over(sha256(proof.manifest.encode()).digest()).hex() != tree_head.manifests.root:
        raise VerificationError("the manifest is not at that place in the manifest log that the tree head names")


def _stamps(proof: Proof, ca_pem: bytes | None) -> list[Stamped]:
    if ca_pem is None:
        return [Stamped(authority=stamp.authority, at=None) for stamp in proof.timestamps]
    if not proof.timestamps:
        raise VerificationError("it has no time stamp to check")
    return [_stamped(stamp, proof.statement.encode(), ca_pem) for stamp in proof.timestamps]


def _stamped(stamp: Timestamp, tree_head: bytes, ca_pem: bytes) -> Stamped:
    try:
        token = base64.b64decode(stamp.token, validate=True)
    except ValueError as error:
        raise VerificationError(f"the time stamp of {stamp.authority!r} is not Base64") from error
    return Stamped(authority=stamp.authority, at=verify_timestamp(token, tree_head, ca_pem))


def _check_head(proof: Proof, head: str | None) -> None:
    found = sha256(proof.statement.encode()).hexdigest()
    if head is not None and head != found:
        raise VerificationError(f"its tree head has SHA-256 {found}, the trusted one {head}")
