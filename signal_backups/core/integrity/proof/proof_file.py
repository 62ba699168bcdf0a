"""The proof file: its fields and its exact format."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ValidationError, model_validator

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp
from signal_backups.core.integrity.anchors.tree_head import Count, Sha256
from signal_backups.core.signals.fields import HASHED_FIELDS, VERIFICATION_HASH
from signal_backups.core.signals.merkle import leaf_hash, root_of_path
from signal_backups.core.signals.row_tree import leaf_data

#: The fields of a signal that a proof contains. Optional columns are not hashed, so they cannot be proven.
PROVEN_FIELDS = (*(field.name for field in HASHED_FIELDS), VERIFICATION_HASH)


class Inclusion(BaseModel, frozen=True, extra="forbid", strict=True):
    """The index of a leaf (from 0) in a tree of ``size`` leaves, and its inclusion path (hex) to the root."""

    index: Count
    size: Count
    path: list[Sha256]

    def root_over(self, data: bytes) -> bytes:
        """Compute the root (32 bytes) from the data of the leaf and the path.

        Raises:
            VerificationError: the path is too long or too short for the index and size.
        """
        return root_of_path(leaf_hash(data), self.index, self.size, [bytes.fromhex(node) for node in self.path])


def _require_fields(signal: dict[str, str]) -> dict[str, str]:
    if tuple(signal) != PROVEN_FIELDS:
        raise ValueError(f"the fields of a signal are {', '.join(PROVEN_FIELDS)}")
    if not re.fullmatch("[0-9a-f]{64}", signal[VERIFICATION_HASH]):
        raise ValueError(f"{VERIFICATION_HASH} is not lower-case hex of 32 bytes")
    return signal


#: ``PROVEN_FIELDS`` in their order, each as text. A new proof has the text of the CSV. Of a number only the value is
#: proven: for an integral value both ``87.0`` and ``87`` are accepted, whichever the CSV has.
ProvenSignal = Annotated[dict[str, str], AfterValidator(_require_fields)]


class Proof(BaseModel, frozen=True, extra="forbid", strict=True):
    """A proof that one signal is in the backup of its day.

    ``row`` leads from the signal to the manifest of its day, ``log`` from the manifest to the tree head. Manifest and
    tree head are texts; their UTF-8 bytes are what is hashed.

    It reveals no other signal, with one limit: the first node of the row's path can be the leaf hash of the row next to
    it, so somebody who guesses all nine hashed fields of that row can confirm the guess.
    """

    format: Literal[1, 2] = 1
    signal: ProvenSignal
    #: The row's values in the extra columns; only in a proof of format 2, which a backup with extra columns gives.
    extra: dict[str, str | None] | None = None
    row: Inclusion
    manifest: str
    log: Inclusion
    statement: str
    timestamps: list[Timestamp]

    def to_bytes(self) -> bytes:
        """The proof as a file: indented JSON, ASCII."""
        document = self.model_dump()
        if self.extra is None:
            del document["extra"]
        return (json.dumps(document, indent=2) + "\n").encode("ascii")

    @model_validator(mode="after")
    def _format_fits(self) -> Self:
        if (self.format == 2) != bool(self.extra):
            raise ValueError("a proof of format 2, and no other, has extra values")
        return self

    @property
    def leaf_data(self) -> bytes:
        """The data of the row's leaf in the row tree."""
        return leaf_data(self.signal[VERIFICATION_HASH], self.extra or {})

    @classmethod
    def from_bytes(cls, body: bytes) -> Proof:
        """Read a proof.

        Raises:
            VerificationError: the bytes are not a proof, or not exactly as ``to_bytes`` writes it.
        """
        try:
            proof = cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise VerificationError(f"not a proof: {first['msg']} (at {where!r})") from error
        if proof.to_bytes() != body:
            raise VerificationError("not a proof in its exact format", remedy="Check that it is the unedited file")
        return proof
