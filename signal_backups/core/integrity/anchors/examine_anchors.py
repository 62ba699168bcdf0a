"""Comparing the logs with the anchors: whether each log still extends what was anchored."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile
from typing import Literal, NamedTuple

from pydantic import BaseModel

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.anchors import Anchor, StoredAnchor
from signal_backups.core.integrity.anchors.timestamp_authority import verify_timestamp
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead
from signal_backups.core.signals.merkle import MerkleTree, leaf_hash

#: How far a time stamp may be from the time in its tree head: clocks differ, authorities are slow.
MAX_STAMP_DISTANCE = timedelta(hours=1)

_INSTANT = "%Y-%m-%d %H:%M:%SZ"
_UNCONFIRMED = (
    "nothing outside of the bucket confirms its anchors: set SIGNAL_BACKUPS_ANCHOR_BUCKET to the second bucket, or "
    "SIGNAL_BACKUPS_TSA_CA_FILE to the CA of the time-stamp authority"
)

LogName = Literal["events", "manifests"]
#: Returns the SHA-256 (hex) of the log entry with a number; None when there is no such entry.
EntryHash = Callable[[int], str | None]


class AnchorFinding(BaseModel, frozen=True):
    """What is wrong with an anchor, or what a log contradicts in an anchor.

    Attributes:
        anchor: address of the anchor.
        what: what is wrong, for people.
        log: the log that differs from the anchor; None when the anchor itself is wrong.
        number: the last entry of that log that the anchor covers.
    """

    anchor: str
    what: str
    log: LogName | None = None
    number: int | None = None


class ConfirmedAnchor(BaseModel, frozen=True):
    """A valid anchor that the second bucket or a time stamp confirms: its last event, and when it was made (UTC)."""

    event: int
    at: datetime


class AnchorExamination(NamedTuple):
    """The result of examining the anchors.

    Attributes:
        findings: what is wrong.
        anchored: the newest confirmed anchor of the main bucket; None when there is none.
        warnings: anchors that nothing confirms.
    """

    findings: list[AnchorFinding]
    anchored: ConfirmedAnchor | None
    warnings: list[str]


class _ParsedAnchor(NamedTuple):
    stored: StoredAnchor
    anchor: Anchor
    tree_head: TreeHead

    @property
    def uri(self) -> str:
        return self.stored.uri


#: Returns whether something outside of the bucket confirms an anchor.
_Confirms = Callable[[_ParsedAnchor], bool]


def examine_anchors(
    bucket: str,
    anchors: Sequence[StoredAnchor],
    second: Sequence[StoredAnchor] | None,
    events: EntryHash,
    manifests: EntryHash,
    ca_pem: bytes | None,
) -> AnchorExamination:
    """Compare both logs with every anchor.

    Args:
        bucket: the main bucket.
        anchors: its anchors.
        second: those of the second bucket; None: there is no second bucket. One that differs from the main bucket's is
            examined as well; those of other buckets' logs are ignored.
        events: the hashes of the events.
        manifests: the hashes of the manifests.
        ca_pem: certificates (PEM) of the time-stamp authority's CA; None: time stamps are not checked.

    Raises:
        SettingsError: there is no certificate in ``ca_pem``.
    """
    main = {stored.key: stored for stored in anchors}
    # An anchor that both buckets hold is ours, even if the bucket had another name then.
    same = {(stored.key, stored.body) for stored in anchors}
    copies = {
        stored.key: stored
        for stored in second or ()
        if (stored.key, stored.body) in same or not _is_of_other_bucket(stored, bucket)
    }
    differing = [stored for stored in copies.values() if stored.key not in main or stored.body != main[stored.key].body]
    others = [stored for stored in differing if stored.body is not None]
    found = [finding for stored in (*anchors, *copies.values()) for finding in _changes(stored)]
    found += [_difference(stored, main.get(stored.key)) for stored in others]
    parsed: list[_ParsedAnchor] = []
    for stored in sorted((*anchors, *others), key=lambda stored: stored.key):
        if stored.body is not None:
            try:
                anchor = Anchor.from_bytes(stored.body)
                parsed.append(_ParsedAnchor(stored, anchor, _tree_head_of(anchor)))
            except VerificationError as error:
                found.append(AnchorFinding(anchor=stored.uri, what=str(error)))
    roots = _roots(manifests, {one.tree_head.manifests.number for one in parsed})
    for one in parsed:
        found += _contradictions(one, events, manifests, roots)
        found += _stamp_findings(one, ca_pem) if ca_pem is not None else []
    # Anchors of the second bucket that were parsed differ from the main one's, so they are findings, never valid.
    wrong = {finding.anchor for finding in found}
    valid = [one for one in parsed if one.uri not in wrong]
    return AnchorExamination(found, *_confirmed(valid, _confirmations(copies if second is not None else None, ca_pem)))


def _confirmations(copies: Mapping[str, StoredAnchor] | None, ca_pem: bytes | None) -> dict[str, _Confirms]:
    """The checks that can confirm a valid anchor, by their names in messages."""
    confirming: dict[str, _Confirms] = {}
    if copies is not None:
        confirming["a copy in the second bucket"] = lambda one: (
            one.stored.key in copies and copies[one.stored.key].body == one.stored.body
        )
    if ca_pem is not None:
        # An anchor with a stamp that does not verify is not valid.
        confirming["a time stamp"] = lambda one: bool(one.anchor.timestamps)
    return confirming


def _confirmed(
    valid: list[_ParsedAnchor], confirming: Mapping[str, _Confirms]
) -> tuple[ConfirmedAnchor | None, list[str]]:
    """The newest confirmed anchor, and warnings about anchors that lack a confirmation."""
    confirmed = [
        ConfirmedAnchor(event=one.tree_head.events.number, at=one.tree_head.at)
        for one in valid
        if any(confirms(one) for confirms in confirming.values())
    ]
    warnings = [_UNCONFIRMED] if valid and not confirming else []
    for name, confirms in confirming.items():
        if lacking := _unconfirmed(valid, confirms):
            warnings.append(
                f"anchors without {name}: {len(lacking)}, the first is {lacking[0]}: it could not be made then, it "
                "was removed, or somebody else made the anchor"
            )
    return max(confirmed, key=lambda one: (one.event, one.at), default=None), warnings


def _unconfirmed(valid: list[_ParsedAnchor], confirms: _Confirms) -> list[str]:
    """The unconfirmed anchors, except those older than the first confirmed one: they predate the setting."""
    since = list(dropwhile(lambda one: not confirms(one), valid)) or valid
    return [one.uri for one in since if not confirms(one)]


def _is_of_other_bucket(stored: StoredAnchor, bucket: str) -> bool:
    """Whether an anchor covers the logs of another bucket; False when it cannot be parsed."""
    try:
        return stored.body is not None and _tree_head_of(Anchor.from_bytes(stored.body)).bucket != bucket
    except VerificationError:
        return False


def _tree_head_of(anchor: Anchor) -> TreeHead:
    return TreeHead.from_bytes(anchor.statement.encode())


def _changes(anchor: StoredAnchor) -> Iterator[AnchorFinding]:
    if anchor.overwritten:
        yield AnchorFinding(anchor=anchor.uri, what="the anchor was overwritten")
    if anchor.deleted:
        yield AnchorFinding(anchor=anchor.uri, what="the anchor was deleted")


def _difference(anchor: StoredAnchor, main: StoredAnchor | None) -> AnchorFinding:
    what = "the main bucket does not have this anchor" if main is None else f"the anchor differs from {main.uri}"
    return AnchorFinding(anchor=anchor.uri, what=what)


def _roots(manifests: EntryHash, sizes: Iterable[int]) -> dict[int, str]:
    """The root (hex) of the log tree at each size, up to the first missing manifest."""
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
    one: _ParsedAnchor, events: EntryHash, manifests: EntryHash, roots: dict[int, str]
) -> Iterator[AnchorFinding]:
    heads: tuple[tuple[LogName, LogHead, EntryHash], ...] = (
        ("events", one.tree_head.events, events),
        ("manifests", one.tree_head.manifests, manifests),
    )
    contradicted = set()
    at = f"{one.tree_head.at:{_INSTANT}}"
    for log, head, sha256 in heads:
        found = sha256(head.number) if head.number else head.sha256
        if found != head.sha256:
            contradicted.add(log)
            how = "is missing: the log was truncated" if found is None else "has changed: the log was rewritten"
            what = f"entry {head.number} of the {log}, the newest at {at}, {how}"
            yield AnchorFinding(anchor=one.uri, what=what, log=log, number=head.number)
    number = one.tree_head.manifests.number
    if "manifests" not in contradicted and roots.get(number) != one.tree_head.manifests.root:
        what = f"a manifest before {number}, the newest at {at}, is missing or has changed"
        yield AnchorFinding(anchor=one.uri, what=what, log="manifests", number=number)


def _stamp_findings(one: _ParsedAnchor, ca_pem: bytes) -> Iterator[AnchorFinding]:
    for stamp in one.anchor.timestamps:
        try:
            token = base64.b64decode(stamp.token, validate=True)
            at = verify_timestamp(token, one.anchor.statement.encode(), ca_pem)
        except (ValueError, VerificationError) as error:
            yield AnchorFinding(anchor=one.uri, what=f"time stamp of {stamp.authority}: {error}")
            continue
        if abs(at - one.tree_head.at) > MAX_STAMP_DISTANCE:
            dated = f"{one.tree_head.at:{_INSTANT}}"
            what = f"its tree head is dated {dated}, but {stamp.authority} stamped it at {at:{_INSTANT}}"
            yield AnchorFinding(anchor=one.uri, what=what)
