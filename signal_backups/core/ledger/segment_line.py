"""One log entry as a line of a segment."""

from __future__ import annotations

from hashlib import md5

from pydantic import BaseModel

from signal_backups.core.s3.object_version import ObjectVersion


class Line(BaseModel, frozen=True, extra="forbid"):
    """One entry: its exact bytes (decoded from UTF-8), and its version as a listing shows it."""

    key: str
    version_id: str
    etag: str
    size: int
    body: str

    @classmethod
    def of(cls, version: ObjectVersion, body: bytes) -> Line:
        """Make the line of an entry."""
        return cls(
            key=version.key, version_id=version.version_id, etag=version.etag, size=version.size, body=body.decode()
        )

    def matches(self, version: ObjectVersion) -> bool:
        """Whether a listing shows the version that the line names."""
        mine = (self.key, self.version_id, self.etag, self.size)
        return mine == (version.key, version.version_id, version.etag, version.size)

    @property
    def has_etag_of_body(self) -> bool:
        """Whether the ETag is the MD5 of the bytes; never true with KMS encryption."""
        return self.etag.strip('"') == md5(self.body.encode(), usedforsecurity=False).hexdigest()

    def proves(self, version: ObjectVersion) -> bool:
        """Whether the bytes are those of a listed version: its ETag alone counts, whatever the line says."""
        return self.etag == version.etag and self.has_etag_of_body
