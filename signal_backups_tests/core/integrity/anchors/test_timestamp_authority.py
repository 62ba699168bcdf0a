"""Time stamps of a real authority are accepted; everything else is refused with a reason."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.errors import ExitCode, SettingsError, TimestampAuthorityError, VerificationError
from signal_backups.core.integrity.anchors.timestamp_authority import request_timestamp, verify_timestamp
from signal_backups_tests.servers.timestamp_authority import Authority, timestamp_authority, verified_by_openssl

pytestmark = pytest.mark.needs("openssl")

DATA = b'{"at":"2026-11-02T02:45:00Z"}\n'


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """An authority for one test, which may change its answers."""
    with timestamp_authority(tmp_path / "authority") as running:
        yield running


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, bytes]]:
    """A time stamp of ``DATA`` and the certificate of its CA."""
    with timestamp_authority(tmp_path_factory.mktemp("stamped")) as authority:
        yield request_timestamp(authority.url, DATA), authority.ca_pem


def test_verifying_a_stamp_returns_when_it_was_made(authority: Authority) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    token = request_timestamp(authority.url, DATA)
    at = verify_timestamp(token, DATA, authority.ca_pem)
    assert at.utcoffset() == timedelta(0)
    assert before <= at <= datetime.now(UTC)


def test_an_auditor_checks_the_same_stamp_with_openssl(authority: Authority, tmp_path: Path) -> None:
    token, tree_head, other = tmp_path / "token.tsr", tmp_path / "statement.json", tmp_path / "other.json"
    token.write_bytes(request_timestamp(authority.url, DATA))
    tree_head.write_bytes(DATA)
    other.write_bytes(DATA + b"\n")
    assert verified_by_openssl(token, tree_head, authority.ca_file)
    assert not verified_by_openssl(token, other, authority.ca_file)


def test_a_stamp_is_for_its_bytes_only(stamped: tuple[bytes, bytes]) -> None:
    token, ca_pem = stamped
    with pytest.raises(VerificationError, match="not for these bytes"):
        verify_timestamp(token, DATA + b" ", ca_pem)


def test_a_stamp_needs_the_ca_of_its_authority(stamped: tuple[bytes, bytes], tmp_path: Path) -> None:
    token, ca_pem = stamped
    with timestamp_authority(tmp_path / "other") as other:
        with pytest.raises(VerificationError, match="does not verify with this CA"):
            verify_timestamp(token, DATA, other.ca_pem)
        # Authorities change their CA: a file may hold the old one and the new one.
        assert verify_timestamp(token, DATA, other.ca_pem + ca_pem)


@pytest.mark.parametrize(("digest", "counts"), [("sha1", False), ("sha384", True), ("sha512", True)])
def test_only_strong_hashes_count(tmp_path: Path, digest: str, counts: bool) -> None:
    query = tmp_path / "query"
    asked = ["openssl", "ts", "-query", f"-{digest}", "-cert", "-digest", hashlib.new(digest, DATA).hexdigest()]
    subprocess.run([*asked, "-out", str(query)], check=True, capture_output=True)
    with timestamp_authority(tmp_path / "lax", digests="sha1, sha384, sha512") as authority:
        token = authority.stamp(query.read_bytes())
        if counts:
            assert verify_timestamp(token, DATA, authority.ca_pem)
        else:
            with pytest.raises(VerificationError, match="not with SHA-256 or a stronger one"):
                verify_timestamp(token, DATA, authority.ca_pem)


@pytest.mark.parametrize(
    "ca_pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_a_wrong_setting(stamped: tuple[bytes, bytes], ca_pem: bytes) -> None:
    with pytest.raises(SettingsError, match="SIGNAL_BACKUPS_TSA_CA_FILE"):
        verify_timestamp(stamped[0], DATA, ca_pem)


edits = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4)


@given(edits)
def test_a_damaged_stamp_is_never_good_for_other_data(
    stamped: tuple[bytes, bytes], edits: list[tuple[int, bytes, int]]
) -> None:
    token, ca_pem = stamped
    at = verify_timestamp(token, DATA, ca_pem)
    for somewhere, inserted, removed in edits:
        place = somewhere % len(token)
        token = token[:place] + inserted + token[place + removed :]
    with pytest.raises(VerificationError):
        verify_timestamp(token, b"other data", ca_pem)
    with suppress(VerificationError):
        assert verify_timestamp(token, DATA, ca_pem) == at


def test_every_byte_that_matters_is_protected(stamped: tuple[bytes, bytes]) -> None:
    token, ca_pem = stamped
    at = verify_timestamp(token, DATA, ca_pem)
    accepted = 0
    for place in range(len(token)):
        flipped = bytearray(token)
        flipped[place] ^= 1
        with suppress(VerificationError):
            assert verify_timestamp(bytes(flipped), DATA, ca_pem) == at
            accepted += 1
    # Names of algorithms occur twice; only the second ones are signed.
    assert accepted < len(token) / 50


def test_an_unreachable_authority_is_a_transient_error(tmp_path: Path) -> None:
    with timestamp_authority(tmp_path / "gone") as authority:
        url = authority.url
    with pytest.raises(TimestampAuthorityError, match=url) as raised:
        request_timestamp(url, DATA)
    assert raised.value.transient
    assert raised.value.exit_code == ExitCode.UNREACHABLE


@pytest.mark.parametrize(("status", "transient"), [(500, True), (503, True), (429, True), (403, False), (404, False)])
def test_an_http_error_says_its_status(authority: Authority, status: int, transient: bool) -> None:
    authority.answer_with(status, b"<html>")
    with pytest.raises(TimestampAuthorityError, match=f"status {status}") as raised:
        request_timestamp(authority.url, DATA)
    assert raised.value.transient == transient


@pytest.mark.parametrize("body", [b"", b"<html>sign in</html>", b"\x30\x03\x02\x01\x00"])
def test_an_answer_that_is_not_a_time_stamp_is_refused(authority: Authority, body: bytes) -> None:
    authority.answer_with(200, body)
    with pytest.raises(TimestampAuthorityError, match="not a time stamp") as raised:
        request_timestamp(authority.url, DATA)
    assert raised.value.transient


def test_an_authority_that_does_not_answer_times_out(authority: Authority) -> None:
    released = threading.Event()

    def hang(query: bytes) -> tuple[int, bytes]:
        released.wait()
        return 200, b""

    authority.behaviour = hang
    try:
        with pytest.raises(TimestampAuthorityError, match="timed out") as raised:
            request_timestamp(authority.url, DATA, timeout_s=0.05)
    finally:
        released.set()
    assert raised.value.transient


def test_a_refusal_is_reported_with_the_reason_of_the_authority(tmp_path: Path) -> None:
    with (
        timestamp_authority(tmp_path / "strict", digests="sha512") as strict,
        pytest.raises(TimestampAuthorityError, match=r"refused.*digest algorithm is not supported") as raised,
    ):
        request_timestamp(strict.url, DATA)
    assert raised.value.transient


def test_a_replayed_old_answer_is_refused(authority: Authority) -> None:
    old = request_timestamp(authority.url, DATA)
    authority.answer_with(200, old)
    with pytest.raises(VerificationError, match="another request"):
        request_timestamp(authority.url, DATA)
    with pytest.raises(VerificationError, match="not for these bytes"):
        request_timestamp(authority.url, b"other data")
