"""How an S3 store is reached, without boto3: settings name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AddressingStyle = Literal["auto", "path", "virtual"]
ChecksumMode = Literal["auto", "when_supported", "when_required"]

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class S3Connection:
    """How to reach an S3 store; for None boto3 looks in the environment, the profile and the instance role."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    addressing_style: AddressingStyle = "auto"
    checksum_mode: ChecksumMode = "auto"
    max_attempts: int = 5
    profile: str | None = None
    verify_tls: bool | None = None

    @property
    def chosen_addressing(self) -> AddressingStyle:
        """Path style for custom endpoints: few of them resolve ``bucket.host``."""
        if self.addressing_style != "auto":
            return self.addressing_style
        return "path" if self.endpoint_url else "auto"

    @property
    def chosen_checksums(self) -> Literal["when_supported", "when_required"]:
        """AWS accepts the checksums that boto3 adds by itself; many other stores refuse them over https.

        Uploads carry a SHA-256 of their own in either mode.
        """
        if self.checksum_mode != "auto":
            return self.checksum_mode
        return "when_required" if self.endpoint_url else "when_supported"
