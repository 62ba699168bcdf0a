"""Holding the logs against the anchors: whether they still are what they were when each anchor was made."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.integrity.anchors.anchors import Anchor, StoredAnchor
from signal_backups.core.integrity.anchors.timestamp_authority import verify_timestamp
from signal_backups.core.integrity.anchors.tree_head import LogHead, TreeHead
from signal_backups.core.signals.merkle import MerkleTree, leaf_hash

#: How far a time stamp may be from the instant that its tree head names: clocks differ, authorities are slow.
MAX_STAMP_DISTANCE = timedelta(hours=1)

_INSTANT = "%Y-%m-%d %H:%M:%SZ"
_UNCONFIRMED = (
    "nothing outside of the bucket confirms its anchors: name the second bucket with SIGNAL_BACKUPS_ANCHOR_BUCKET, or "
    "the CA of the time-stamp authority with SIGNAL_BACKUPS_TSA_CA_FILE"
)

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


class Anchored(BaseModel):
    """The newest valid anchor that is confirmed from outside: its last event, and when it was made (UTC)."""

    model_config = ConfigDict(frozen=True)

    event: int
    at: datetime


class AnchorExamination(NamedTuple):
    """The result of examining the anchors.

    Attributes:
        findings: what is wrong.
        anchored: the newest valid anchor of the main bucket that the second bucket or a time stamp confirms.
        warnings: which anchors nothing confirms.
    """

    findings: list[AnchorFinding]
    anchored: Anchored | None
    warnings: list[str]


class _Read(NamedTuple):
    stored: StoredAnchor
    anchor: Anchor
    statement: TreeHead

    @property
    def uri(self) -> str:
        return self.stored.uri


#: Whether something outside of the bucket confirms an anchor.
_Confirms = Callable[[_Read], bool]


def examine_anchors(
    bucket: str,
    anchors: Sequence[StoredAnchor],
    second: Sequence[StoredAnchor] | None,
    events: EntryHash,
    manifests: EntryHash,
    ca_pem: bytes | None,
) -> AnchorExamination:
    """Hold both logs against every anchor.

    Args:
        bucket: the main bucket.
        anchors: its anchors.
        second: those of the second bucket; what differs from the main one's counts as an anchor of its own, those of
            other backup sets are passed over. None: there is no second bucket.
        events: the events' hashes.
        manifests: the manifests' hashes.
        ca_pem: certificates (PEM) of the time-stamp authority's CA; None: time stamps are not checked.

    Raises:
        SettingsError: there is no certificate in ``ca_pem``.
    """
    main = {stored.key: stored for stored in anchors}
    # An anchor that the main bucket has too is ours, even if the bucket had another name then.
    same = {(stored.key, stored.body) for stored in anchors}
    copies = {
        stored.key: stored
        for stored in second or ()
        if (stored.key, stored.body) in same or not _is_of_another(stored, bucket)
    }
    unlike = [stored for stored in copies.values() if stored.key not in main or stored.body != main[stored.key].body]
    others = [stored for stored in unlike if stored.body is not None]
    found = [finding for stored in (*anchors, *copies.values()) for finding in _touched(stored)]
    found += [_unlike_main(stored, main.get(stored.key)) for stored in others]
    read: list[_Read] = []
    for stored in sorted((*anchors, *others), key=lambda stored: stored.key):
        if stored.body is not None:
            try:
                anchor = Anchor.from_bytes(stored.body)
                read.append(_Read(stored, anchor, _statement_of(anchor)))
            except VerificationError as error:
                found.append(AnchorFinding(anchor=stored.uri, what=str(error)))
    roots = _roots(manifests, {one.statement.manifests.number for one in read})
    for one in read:
        found += _contradictions(one, events, manifests, roots)
        found += _stamp_findings(one, ca_pem) if ca_pem is not None else []
    # Of the second bucket only what is unlike the main one's was read, and that is a finding.
    wrong = {finding.anchor for finding in found}
    valid = [one for one in read if one.uri not in wrong]
    return AnchorExamination(found, *_confirmed(valid, _confirming(copies if second is not None else None, ca_pem)))


def _confirming(copies: Mapping[str, StoredAnchor] | None, ca_pem: bytes | None) -> dict[str, _Confirms]:
    """What can confirm a valid anchor, by its name in messages."""
    confirming: dict[str, _Confirms] = {}
    if copies is not None:
        confirming["a copy in the second bucket"] = lambda one: (
            one.stored.key in copies and copies[one.stored.key].body == one.stored.body
        )
    if ca_pem is not None:
        # An anchor with a stamp that does not verify is not valid.
        confirming["a time stamp"] = lambda one: bool(one.anchor.timestamps)
    return confirming


def _confirmed(valid: list[_Read], confirming: Mapping[str, _Confirms]) -> tuple[Anchored | None, list[str]]:
    """The newest anchor that is confirmed, and warnings of those that should be and are not."""
    confirmed = [
        Anchored(event=one.statement.events.number, at=one.statement.at)
        for one in valid
        if any(confirms(one) for confirms in confirming.values())
    ]
    warnings = [_UNCONFIRMED] if valid and not confirming else []
    for name, confirms in confirming.items():
        if lacking := _lacking(valid, confirms):
            warnings.append(
                f"anchors without {name}: {len(lacking)}, the first is {lacking[0]}: none could be had then, it was "
                "removed, or we did not make the anchor"
            )
    return max(confirmed, key=lambda one: (one.event, one.at), default=None), warnings


def _lacking(valid: list[_Read], confirms: _Confirms) -> list[str]:
    """Those not confirmed; what is older than the first that is, is from before that was set up and does not count."""
    since = list(dropwhile(lambda one: not confirms(one), valid)) or valid
    return [one.uri for one in since if not confirms(one)]


def _is_of_another(stored: StoredAnchor, bucket: str) -> bool:
    """Whether an anchor is of another bucket's logs; one that cannot be read may be ours."""
    try:
        return stored.body is not None and _statement_of(Anchor.from_bytes(stored.body)).bucket != bucket
    except VerificationError:
        return False


def _statement_of(anchor: Anchor) -> TreeHead:
    return TreeHead.from_bytes(anchor.statement.encode())


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
