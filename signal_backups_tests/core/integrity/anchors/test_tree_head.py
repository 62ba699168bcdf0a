"""The tree head: one exact text for one state of the logs; any other text is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead, tree_head_of
from signal_backups_tests.core.signals.test_merkle import naive_root
from signal_backups_tests.samples.examples import examples

AT = datetime(2026, 11, 2, 2, 45, tzinfo=UTC)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
EXAMPLE = (
    '{"at":"2026-11-02T02:45:00Z","bucket":"signals","events":{"number":7,"sha256":"' + "ab" * 32 + '"},"format":1,'
    '"manifests":{"number":2,"root":"ffb68d28a78b37b9d4c74f55b8d0574bdd5a7e8bdba0ae7dd9dcf2a6c7c02be3","sha256":"'
    + "22" * 32
    + '"}}\n'
)


def example() -> TreeHead:
    return tree_head_of(AT, "signals", LogHead(number=7, sha256="ab" * 32), ["11" * 32, "22" * 32])


def test_its_exact_text() -> None:
    root = naive_root([bytes.fromhex("11" * 32), bytes.fromhex("22" * 32)]).hex()
    expected = EXAMPLE.replace("ffb68d28a78b37b9d4c74f55b8d0574bdd5a7e8bdba0ae7dd9dcf2a6c7c02be3", root)
    assert example().to_bytes().decode() == expected
    assert example().sha256 == sha256(expected.encode()).hexdigest()


def test_empty_logs() -> None:
    tree_head = tree_head_of(AT, "signals", LogHead(number=0, sha256="0" * 64), [])
    assert tree_head.manifests.number == 0
    assert tree_head.manifests.sha256 == "0" * 64
    assert tree_head.manifests.root == sha256(b"").hexdigest()


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.timezones()),  # noqa: DTZ001
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 2**63 - 1),
    hashes,
    st.lists(hashes, max_size=20),
)
@examples(100)
def test_it_is_read_as_it_was_written(at: datetime, bucket: str, events: int, event: str, manifests: list[str]) -> None:
    tree_head = tree_head_of(at, bucket, LogHead(number=events, sha256=event), manifests)
    body = tree_head.to_bytes()
    assert body.isascii()
    assert body.count(b"\n") == 1
    assert TreeHead.from_bytes(body) == tree_head
    assert timedelta(0) <= at - tree_head.at < timedelta(seconds=1)
    document = json.loads(body)
    assert document["manifests"]["root"] == naive_root([bytes.fromhex(one) for one in manifests]).hex()


def test_an_instant_elsewhere_is_written_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert tree_head_of(elsewhere, "b", LogHead(number=0, sha256="0" * 64), []).at.tzinfo is UTC
    assert b'"at":"2026-11-02T02:45:00Z"' in tree_head_of(elsewhere, "b", example().events, []).to_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", ""),
        ("\n", "\n\n"),
        ("\n", "\r\n"),
        (",", ", "),
        ("T02:45:00Z", "T02:45:00+00:00"),
        ("T02:45:00Z", "T03:45:00+01:00"),
        ("T02:45:00Z", "T02:45:00"),
        ("T02:45:00Z", "T02:45:00.5Z"),
        ('"2026-11-02T02:45:00Z"', "1793587500"),
        ('"signals"', '"sign\\u0061ls"'),
        ('"signals"', '"\\ud800"'),
        ('"signals"', "null"),
        ('"format":1', '"format":2'),
        ('"format":1', '"format":true'),
        ('"format":1', '"format":1,"format":1'),
        ('"format":1,', ""),
        ('"format":1', '"format":1,"more":1'),
        ('"number":7', '"number":7.0'),
        ('"number":7', '"number":"7"'),
        ('"number":7', '"number":-7'),
        ('"number":7', '"number":' + "9" * 5000),
        ("ab" * 32, "AB" * 32),
        ("ab" * 32, "ab" * 31),
        ("ab" * 32, "zz" * 32),
        ("ab" * 32, "ab" * 31 + "a\\n"),
        ("{", "["),
        ("{", "[" * 100_000),
    ],
)
def test_any_other_text_is_refused(old: str, new: str) -> None:
    text = example().to_bytes().decode()
    assert old in text
    with pytest.raises(VerificationError):
        TreeHead.from_bytes(text.replace(old, new, 1).encode("utf-8", "surrogatepass"))
