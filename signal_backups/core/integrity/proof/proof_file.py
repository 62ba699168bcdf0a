"""The proof file: what a proof holds, and its exact bytes."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp
from signal_backups.core.integrity.anchors.tree_head import Count, Sha256
from signal_backups.core.signals.fields import HASHED_FIELDS, VERIFICATION_HASH
from signal_backups.core.signals.merkle import leaf_hash, root_of_path

#: What a proof says of its signal. Optional columns are not hashed, so nothing could prove them.
PROVEN_FIELDS = (*(field.name for field in HASHED_FIELDS), VERIFICATION_HASH)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Inclusion(_Model):
    """A place in a tree of ``size`` leaves, from 0, and the path (hex) from its leaf to the root."""

    index: Count
    size: Count
    path: list[Sha256]

    def root_over(self, data: bytes) -> bytes:
        """The root that the path leads to from a leaf with this data, 32 bytes.

        Raises:
            VerificationError: the path does not fit the place.
        """
        return root_of_path(leaf_hash(data), self.index, self.size, [bytes.fromhex(node) for node in self.path])


def _whole(signal: dict[str, str]) -> dict[str, str]:
    if tuple(signal) != PROVEN_FIELDS:
        raise ValueError(f"the fields of a signal are {', '.join(PROVEN_FIELDS)}")
    if not re.fullmatch("[0-9a-f]{64}", signal[VERIFICATION_HASH]):
        raise ValueError(f"{VERIFICATION_HASH} is not lower-case hex of 32 bytes")
    return signal


#: Each of ``PROVEN_FIELDS``, in their order, as a text. A proof that we make has the texts of the CSV. Of a number its
#: value is proven: when that is integral, both ``87.0`` and ``87`` are right, whichever is in the CSV.
ProvenSignal = Annotated[dict[str, str], AfterValidator(_whole)]


class Proof(_Model):
    """That one signal is in the backup of its day.

    The paths lead from the signal to its day's manifest, and from the manifest to the tree head; manifest and tree head
    are texts whose UTF-8 bytes were hashed.

    It says nothing of any other signal, with one limit: the first node of a path may be the leaf hash of the row beside
    it: somebody who guesses all nine hashed fields of that row can confirm the guess.
    """

    format: Literal[1] = 1
    signal: ProvenSignal
    row: Inclusion
    manifest: str
    log: Inclusion
    statement: str
    timestamps: list[Timestamp]

    def to_bytes(self) -> bytes:
        """The proof as a file: indented JSON, ASCII."""
        return (json.dumps(self.model_dump(), indent=2) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, body: bytes) -> Proof:
        """Read a proof.

        Raises:
            VerificationError: it is none, or not written exactly as ``to_bytes`` writes it.
        """
        try:
            proof = cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise VerificationError(f"not a proof: {first['msg']} (at {where!r})") from error
        if proof.to_bytes() != body:
            raise VerificationError("not a proof as we write them", remedy="Check that it is the unedited file")
        return proof
