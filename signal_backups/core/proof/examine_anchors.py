"""Holding the logs against the anchors: whether they still are what they were when each anchor was made.

What belongs here: what an anchor contradicts. What does not: reading anchors (``anchors``) and whether a log is
consistent in itself (``trail``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from signal_backups.core.errors import VerificationError
from signal_backups.core.proof.anchors import Anchor, StoredAnchor
from signal_backups.core.proof.merkle import MerkleTree, leaf_hash
from signal_backups.core.proof.statement import LogHead, Statement
from signal_backups.core.proof.timestamp_authority import verify_timestamp

#: How far a time stamp may be from the instant that its statement names: clocks differ, authorities are slow.
MAX_STAMP_DISTANCE = timedelta(hours=1)

_INSTANT = "%Y-%m-%d %H:%M:%SZ"

LogName = Literal["events", "manifests"]
#: From a number to the SHA-256 (hex) of that entry of a log; None when there is none.
EntryHash = Callable[[int], str | None]


class AnchorFinding(BaseModel):
    """What is wrong with an anchor, or with a log as an anchor shows it.

    Attributes:
        anchor: where the anchor is.
        what: what is wrong.
        log: the log that it contradicts; None when it is about the anchor itself.
        number: the entry up to which that log was anchored.
    """

    model_config = ConfigDict(frozen=True)

    anchor: str
    what: str
    log: LogName | None = None
    number: int | None = None


class _Read(NamedTuple):
    uri: str
    anchor: Anchor
    statement: Statement


def examine_anchors(
    anchors: Sequence[StoredAnchor],
    second: Sequence[StoredAnchor],
    events: EntryHash,
    manifests: EntryHash,
    ca_pem: bytes | None,
) -> list[AnchorFinding]:
    """Hold both logs against every anchor.

    Args:
        anchors: those of the main bucket.
        second: those of the second bucket; what differs from the main one's counts as an anchor of its own.
        events: the events' hashes.
        manifests: the manifests' hashes.
        ca_pem: certificates (PEM) of the time-stamp authority's CA; None: time stamps are not checked.

    Raises:
        SettingsError: there is no certificate in ``ca_pem``.
    """
    main = {stored.key: stored for stored in anchors}
    unlike = [stored for stored in second if stored.key not in main or stored.body != main[stored.key].body]
    others = [stored for stored in unlike if stored.body is not None]
    found = [finding for stored in (*anchors, *second) for finding in _touched(stored)]
    found += [_unlike_main(stored, main.get(stored.key)) for stored in others]
    read: list[_Read] = []
    for stored in sorted((*anchors, *others), key=lambda stored: stored.key):
        if stored.body is not None:
            try:
                read.append(_read(stored.uri, stored.body))
            except VerificationError as error:
                found.append(AnchorFinding(anchor=stored.uri, what=str(error)))
    roots = _roots(manifests, {one.statement.manifests.number for one in read})
    for one in read:
        found += _contradictions(one, events, manifests, roots)
        found += _stamp_findings(one, ca_pem) if ca_pem is not None else []
    return found


def _read(uri: str, body: bytes) -> _Read:
    anchor = Anchor.from_bytes(body)
    return _Read(uri, anchor, Statement.from_bytes(anchor.statement.encode()))


def _touched(anchor: StoredAnchor) -> Iterator[AnchorFinding]:
    if anchor.overwritten:
        yield AnchorFinding(anchor=anchor.uri, what="another version was put over the anchor")
    if anchor.deleted:
        yield AnchorFinding(anchor=anchor.uri, what="the anchor was deleted")


def _unlike_main(anchor: StoredAnchor, main: StoredAnchor | None) -> AnchorFinding:
    what = "the main bucket does not have this anchor" if main is None else f"the anchor differs from {main.uri}"
    return AnchorFinding(anchor=anchor.uri, what=what)


def _roots(manifests: EntryHash, sizes: Iterable[int]) -> dict[int, str]:
    """The log tree's root (hex) at each size, as far as the manifests reach without a gap."""
    tree = MerkleTree()
    roots: dict[int, str] = {}
    for size in sorted(sizes):
        while tree.size < size:
            sha256 = manifests(tree.size + 1)
            if sha256 is None:
                return roots
            tree.add(leaf_hash(bytes.fromhex(sha256)))
        roots[size] = tree.root().hex()
    return roots


def _contradictions(
    one: _Read, events: EntryHash, manifests: EntryHash, roots: dict[int, str]
) -> Iterator[AnchorFinding]:
    heads: tuple[tuple[LogName, LogHead, EntryHash], ...] = (
        ("events", one.statement.events, events),
        ("manifests", one.statement.manifests, manifests),
    )
    contradicted = set()
    at = f"{one.statement.at:{_INSTANT}}"
    for log, head, sha256 in heads:
        found = sha256(head.number) if head.number else head.sha256
        if found != head.sha256:
            contradicted.add(log)
            how = "is gone: the log was cut off" if found is None else "is another one now: the log was rewritten"
            what = f"entry {head.number} of the {log}, the newest at {at}, {how}"
            yield AnchorFinding(anchor=one.uri, what=what, log=log, number=head.number)
    number = one.statement.manifests.number
    if "manifests" not in contradicted and roots.get(number) != one.statement.manifests.root:
        what = f"of the manifests up to {number}, the newest at {at}, an earlier one is gone or another one now"
        yield AnchorFinding(anchor=one.uri, what=what, log="manifests", number=number)


def _stamp_findings(one: _Read, ca_pem: bytes) -> Iterator[AnchorFinding]:
    for stamp in one.anchor.timestamps:
        try:
            token = base64.b64decode(stamp.token, validate=True)
            at = verify_timestamp(token, one.anchor.statement.encode(), ca_pem)
        except (ValueError, VerificationError) as error:
            yield AnchorFinding(anchor=one.uri, what=f"time stamp of {stamp.authority}: {error}")
            continue
        if abs(at - one.statement.at) > MAX_STAMP_DISTANCE:
            what = f"made at {one.statement.at:{_INSTANT}} it says, but {stamp.authority} stamped it at {at:{_INSTANT}}"
            yield AnchorFinding(anchor=one.uri, what=what)
