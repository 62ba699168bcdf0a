"""RFC 3161 time stamps: requesting one from an authority, and verifying one with the certificates of its CA.

No certificate is downloaded: the caller names the CA that it trusts.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from cryptography import x509
from pydantic import BaseModel
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)

from signal_backups.core.base.errors import SettingsError, TimestampAuthorityError, VerificationError

QUERY_TYPE = "application/timestamp-query"
TIMEOUT_S = 30.0
#: A real response has a few kilobytes.
MAX_ANSWER_BYTES = 1024**2

_HASHES: dict[str, Any] = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}
_LATER = "Run it again later"


class Timestamp(BaseModel, frozen=True, extra="forbid", strict=True):
    """A time stamp of a tree head: the authority's URL, and its RFC 3161 response (DER in Base64)."""

    authority: str
    token: str


def request_timestamp(url: str, data: bytes, *, timeout_s: float = TIMEOUT_S) -> bytes:
    """Have an authority stamp the SHA-256 of ``data``; returns its response, the DER of a TimeStampResp.

    The signature is not verified here; see ``verify_timestamp``.

    Args:
        url: the authority's address, http or https.
        data: what is stamped; only its hash leaves this machine.
        timeout_s: seconds to wait for the connection and for each read.

    Raises:
        TimestampAuthorityError: it cannot be reached, refuses, or responds with something that is not a time stamp.
        VerificationError: the time stamp is for other data or answers another request.
    """
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    answer = _post(url, request.as_bytes(), timeout_s)
    try:
        stamp = _decoded(answer)
    except VerificationError as error:
        raise TimestampAuthorityError(
            f"{url} answered with {error.what}",
            remedy=f"{_LATER}; if that does not help, use an authority that sends valid DER",
            transient=True,
        ) from error
    if stamp.status != PKIStatus.GRANTED:
        # The library does not distinguish permanent refusals from temporary ones.
        reason = " ".join(stamp.status_string) or f"status {stamp.status}"
        raise TimestampAuthorityError(f"{url} refused to stamp: {reason}", remedy=_LATER, transient=True)
    _require_imprint(stamp, data)
    if stamp.tst_info.nonce != request.nonce:
        raise VerificationError(
            f"the time stamp of {url} answers another request: its nonce differs", remedy="Use another authority"
        )
    return answer


def verify_timestamp(token: bytes, data: bytes, ca_pem: bytes) -> datetime:
    """Verify a time stamp; returns the time (UTC) at which the authority attests that ``data`` existed.

    The authority's certificate must have been valid at that time; it may have expired since.

    Args:
        token: the DER of a TimeStampResp, as ``request_timestamp`` returns it.
        data: what was stamped.
        ca_pem: certificates of the trusted CAs, one or more, PEM.

    Raises:
        VerificationError: the stamp is malformed, for other data, made with a hash weaker than SHA-256, or not signed
            by an authority of one of these CAs.
        SettingsError: there is no certificate in ``ca_pem``.
    """
    stamp = _decoded(token)
    _require_imprint(stamp, data)
    verifier = VerifierBuilder(roots=_certificates(ca_pem)).build()
    try:
        verifier.verify_message(stamp, data)
    except Exception as error:  # the bytes are untrusted: the parsers may raise anything
        raise VerificationError(f"the time stamp does not verify with this CA: {error}") from error
    return stamp.tst_info.gen_time.astimezone(UTC)


def _post(url: str, query: bytes, timeout_s: float) -> bytes:
    request = Request(url, data=query, headers={"Content-Type": QUERY_TYPE})  # noqa: S310 - settings take http(s) only
    try:
        with urlopen(request, timeout=timeout_s) as answer:  # noqa: S310
            body: bytes = answer.read(MAX_ANSWER_BYTES)
            return body
    except HTTPError as error:
        error.close()
        raise TimestampAuthorityError(
            f"{url} answered with status {error.code}",
            remedy=_LATER,
            transient=error.code >= 500 or error.code in {408, 429},
        ) from error
    except (OSError, HTTPException) as error:
        raise TimestampAuthorityError(f"cannot reach {url}: {error}", remedy=_LATER, transient=True) from error


def _decoded(token: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(token)
    except Exception as error:  # the bytes are untrusted: the parser may raise anything
        raise VerificationError(f"something that is not a time stamp in DER: {error}") from error


def _require_imprint(stamp: TimeStampResponse, data: bytes) -> None:
    try:
        imprint = stamp.tst_info.message_imprint
        algorithm, imprinted = imprint.hash_algorithm.dotted_string, imprint.message
    except Exception as error:  # untrusted bytes again
        raise VerificationError(f"the time stamp is malformed: {error}") from error
    if algorithm not in _HASHES:
        raise VerificationError(
            f"the time stamp was made with the hash {algorithm}, not with SHA-256 or a stronger one"
        )
    if imprinted != _HASHES[algorithm](data).digest():
        raise VerificationError("the time stamp is not for these bytes")


def _certificates(ca_pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(ca_pem)
    except ValueError as error:
        raise SettingsError(
            f"no certificate of a time-stamp authority's CA: {error}",
            remedy="Name a PEM file of CERTIFICATE blocks with SIGNAL_BACKUPS_TSA_CA_FILE",
        ) from error
