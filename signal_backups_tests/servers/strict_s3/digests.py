"""The bytes of a request, and whether they are those its sender meant."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping

from signal_backups_tests.servers.strict_s3.state import S3Error

CHECKSUM_HEADER = "x-amz-checksum-"
#: Headers that begin like a checksum and are none.
_NOT_DIGESTS = {"x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-checksum-algorithm"}

_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "sha256": lambda body: hashlib.sha256(body).digest(),
    "sha512": lambda body: hashlib.sha512(body).digest(),
}


def checked_body(headers: Mapping[str, str], sent: bytes) -> tuple[bytes, dict[str, str]]:
    """The body a request carries, and the checksums it was sent with: algorithm (``sha256``) to base64.

    Args:
        headers: with lower-case names.
        sent: the bytes on the wire.

    Raises:
        S3Error: ``BadDigest`` when they differ, ``InvalidDigest`` or ``InvalidRequest`` when one is not well-formed.
    """
    body, trailer = _unchunked(sent) if "aws-chunked" in headers.get("content-encoding", "") else (sent, {})
    claimed = {
        name.removeprefix(CHECKSUM_HEADER): value
        for name, value in (*headers.items(), *trailer.items())
        if name.startswith(CHECKSUM_HEADER) and name not in _NOT_DIGESTS
    }
    for algorithm, value in claimed.items():
        _check(algorithm, value, body, ("InvalidRequest", f"Value for {CHECKSUM_HEADER}{algorithm} header is invalid."))
    if (md5 := headers.get("content-md5")) is not None:
        _check("md5", md5, body, ("InvalidDigest", "The Content-MD5 you specified was invalid."))
    return body, claimed


def _check(algorithm: str, claimed: str, body: bytes, malformed: tuple[str, str]) -> None:
    if algorithm not in _DIGESTS:
        raise S3Error(501, "NotImplemented", f"The in-memory S3 cannot compute {algorithm}")
    actual = _DIGESTS[algorithm](body)
    try:
        expected = base64.b64decode(claimed, validate=True)
    except binascii.Error:
        expected = b""
    if len(expected) != len(actual):
        raise S3Error(400, *malformed)
    if expected != actual:
        raise S3Error(400, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def _unchunked(sent: bytes) -> tuple[bytes, dict[str, str]]:
    """The body and the trailing headers of the way boto3 uploads over https."""
    parts: list[bytes] = []
    position = 0
    while True:
        end = sent.index(b"\r\n", position)
        size, start = int(sent[position:end], 16), end + 2
        if size == 0:
            lines = sent[start:].decode("ascii").split("\r\n")
            return b"".join(parts), dict(line.split(":", 1) for line in lines if line)
        parts.append(sent[start : start + size])
        position = start + size + 2
