"""Where anchors are kept besides the bucket itself."""

from __future__ import annotations

from dataclasses import dataclass

from signal_backups.core.s3.store import S3ObjectStore


@dataclass(frozen=True)
class AnchorDestinations:
    """A time-stamp authority, a second bucket, or both.

    Attributes:
        authority_url: the RFC 3161 time-stamp authority; None: none.
        ca_pem: certificates (PEM) of its CA; None: its time stamps are kept unchecked.
        second: the second bucket; None: none.
    """

    authority_url: str | None = None
    ca_pem: bytes | None = None
    second: S3ObjectStore | None = None

    @property
    def is_configured(self) -> bool:
        """Whether there is a destination."""
        return self.authority_url is not None or self.second is not None


NO_DESTINATIONS = AnchorDestinations()
