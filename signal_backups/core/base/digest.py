"""Size and SHA-256 of a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileDigest:
    """Size and SHA-256 (lower-case hex) of a file."""

    bytes: int
    sha256: str


def digest(path: Path) -> FileDigest:
    """Hash a file."""
    with path.open("rb") as file:
        return FileDigest(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
