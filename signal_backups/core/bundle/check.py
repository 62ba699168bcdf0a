"""Checking a bundle with our own modules: what the stand-alone verifier checks, and the signatures of time stamps.

A test holds the two together: both give the same verdict on thousands of good and damaged bundles. One difference is
known: a row whose hash was taken over a number as we never write it (``1.50``, ``nan``) passes here, and not there.
Findings are collected, not raised. What does not belong here: unpacking ZIPs (``unpacking``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from signal_backups.core.base.days import days_between
from signal_backups.core.base.digest import FileDigest, digest
from signal_backups.core.base.errors import NotFoundError, SignalBackupsError, VerificationError
from signal_backups.core.bundle.content import (
    ALWAYS_THERE,
    EVENTS,
    INDEX,
    MANIFESTS,
    PAGE,
    SUMS,
    VERIFIER,
    BundleIndex,
    DayEntry,
    Totals,
    instant,
    manifest_name,
    stamp_name,
    statement_name,
    token_of,
)
from signal_backups.core.bundle.entries import (
    ChainEntry,
    EventEntry,
    ManifestEntry,
    Vouched,
    VouchedFile,
    Written,
    read_as,
    read_json,
)
from signal_backups.core.bundle.files import plain_files, sum_problems
from signal_backups.core.bundle.report import BundleFinding, BundleReport, StampFound
from signal_backups.core.bundle.unpack import unpacked
from signal_backups.core.bundle.write import STANDALONE_VERIFIER
from signal_backups.core.integrity.anchors.anchors import Anchor
from signal_backups.core.integrity.anchors.timestamp_authority import Timestamp, verify_timestamp
from signal_backups.core.integrity.anchors.tree_head import TreeHead
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.signals.merkle import MerkleTree, leaf_hash
from signal_backups.core.signals.row_tree import root_of_csv
from signal_backups.core.signals.verify_csv import Expected, verify_csv

_ANCHOR = re.compile(r"anchors/[^./]+\.json")

Checked = TypeVar("Checked")


def check_bundle(path: Path, ca_pem: bytes | None = None, head: str | None = None) -> BundleReport:
    """Check a bundle.

    Args:
        path: its folder or ZIP.
        ca_pem: certificates (PEM) that its time stamps have to lead to; without them no signature is checked. The
            newest stamped statement has to cover the manifest of every day.
        head: SHA-256 (hex) of the bytes of a statement that has to be in it, and to cover the manifest of every day.

    Raises:
        NotFoundError: there is nothing at the path.
    """
    if not path.exists():
        raise NotFoundError(f"no bundle at {path}", remedy="Check the path")
    with unpacked(path) as (folder, problems):
        check = _Check(folder, ca_pem)
        for name, what in problems:
            check.wrong(name, what)
        check.run()
    if head is not None and head not in check.statements:
        check.wrong(INDEX, f"neither its statement nor that of an anchor has the SHA-256 {head}")
    elif head is not None:
        check.require_covered("the trusted head", check.covers.get(head, 0))
    if ca_pem is not None and not check.stamps:
        check.wrong(INDEX, "there is no time stamp to check")
    elif ca_pem is not None:
        check.require_covered("the last time stamp", check.stamped)
    totals = Totals.of(check.index.days if check.index else [])
    return BundleReport(
        findings=check.findings,
        notes=check.notes,
        statements=check.statements,
        stamps=check.stamps,
        bucket=check.index.bucket if check.index else None,
        first=check.index.first if check.index else None,
        last=check.index.last if check.index else None,
        days=totals.backed_up,
        records=totals.records,
        manifests=len(check.manifests) - 1,
        events=len(check.events) - 1,
    )


class _Check:
    """One check. Chains and roots are by number, 0 being what a chain without entries gives."""

    def __init__(self, folder: Path, ca_pem: bytes | None) -> None:
        self.findings: list[BundleFinding] = []
        self.notes = [f"What {PAGE} says is not checked."]
        self.statements: dict[str, str] = {}
        self.covers: dict[str, int] = {}  # the last manifest of each statement, by its SHA-256
        self.stamps: list[StampFound] = []
        self.stamped = 0  # the last manifest that a verified time stamp covers
        self.index: BundleIndex | None = None
        self.manifests, self.events, self.roots = [FIRST], [FIRST], [MerkleTree().root().hex()]
        self._newest: dict[date, bytes] = {}
        self._spoken_of = set(ALWAYS_THERE)
        self._folder, self._ca_pem = folder, ca_pem
        self._names, problems = plain_files(folder)
        for problem in problems:
            self.wrong(*problem)

    def wrong(self, file: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(BundleFinding(file=file, what=what))

    def require_covered(self, by: str, manifests: int) -> None:
        """Find the days whose manifest came after the last of a statement, which says nothing of them."""
        for entry in self.index.days if self.index else ():
            if entry.manifest is not None and entry.manifest > manifests:
                self.wrong(f"{INDEX}, {entry.day}", f"its manifest {entry.manifest} came after {by} (of {manifests})")

    def run(self) -> None:
        """Check everything."""
        for problem in self._try(SUMS, lambda: list(sum_problems(self._path(SUMS), self._names))) or []:
            self.wrong(*problem)
        self._check_manifests()
        self._try(EVENTS, self._check_events)
        self._try(INDEX, self._check_index)
        for name in sorted(self._names - self._spoken_of) if self.index else ():
            self.wrong(name, "nothing in the bundle speaks of this file")
        for name in sorted(ALWAYS_THERE - self._names):
            self.wrong(name, "is missing")
        if VERIFIER in self._names and self._read(VERIFIER) != STANDALONE_VERIFIER.read_bytes():
            self.notes.append(f"{VERIFIER} is not that of this version: of another, or not ours at all")

    def _try(self, file: str, step: Callable[[], Checked]) -> Checked | None:
        """The outcome of a step; one that fails is a finding, and does not keep the others from being tried."""
        try:
            return step()
        except (SignalBackupsError, ValueError, OSError) as error:
            self.wrong(file, str(error))
            return None

    def _path(self, name: str) -> Path:
        self._spoken_of.add(name)
        if name not in self._names:  # nothing outside the folder is looked at, whatever is said
            raise NotFoundError(f"{name} is not in the bundle")
        return self._folder / name

    def _read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def _check_manifests(self) -> None:
        tree = MerkleTree()
        for number in range(1, 1 + sum(name.startswith(MANIFESTS) for name in self._names)):
            name = manifest_name(number)
            body = self._try(name, partial(self._read, name)) or b""
            manifest = self._try(name, partial(read_json, ManifestEntry, body))
            self._link(name, self.manifests, body, manifest)
            tree.add(leaf_hash(bytes.fromhex(self.manifests[-1])))
            self.roots.append(tree.root().hex())
            day = self._try(name, partial(date.fromisoformat, manifest.day)) if manifest is not None else None
            if day is not None:
                self._newest[day] = body

    def _check_events(self) -> None:
        told = set()
        with self._path(EVENTS).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                name = f"{EVENTS}, event {number}"
                event = self._try(name, partial(read_json, EventEntry, line))
                self._link(name, self.events, line, event)
                if event is not None and "manifest" in event.details:
                    told.add(self._try(name, partial(self._manifest_of, event)))
        for number in range(1, len(self.manifests)):
            if number not in told:
                self.notes.append(f"{manifest_name(number)}: no event says that it was written")

    def _link(self, name: str, chain: list[str], body: bytes, entry: ChainEntry | None) -> None:
        """Append an entry to its chain, and see whether it belongs there."""
        if entry is not None and (entry.number, entry.previous) != (len(chain), chain[-1]):
            self.wrong(name, f"is not number {len(chain)}, or does not carry the SHA-256 of the entry before")
        chain.append(sha256(body).hexdigest())

    def _manifest_of(self, event: EventEntry) -> int:
        written = read_as(Written, event.details["manifest"])
        if _at(self.manifests, written.number) != written.sha256:
            raise VerificationError(f"manifest {written.number} is not the one that it speaks of")
        return written.number

    def _check_index(self) -> None:
        index = BundleIndex.from_bytes(self._read(INDEX))
        said = self._try(INDEX, partial(self._check_statement, INDEX, index.statement, index.bucket))
        right = (index.made_at, len(self.events) - 1, len(self.manifests) - 1)
        if said is not None and (instant(said.at), said.events.number, said.manifests.number) != right:
            self.wrong(INDEX, "its statement is not of its time, or not about the last event and manifest")
        for name in sorted(filter(_ANCHOR.fullmatch, self._names)):
            self._try(name, partial(self._check_anchor, name, index.bucket))
        if not index.days or [entry.day for entry in index.days] != list(days_between(index.first, index.last)):
            self.wrong(INDEX, f"has no days, or does not give every day from {index.first} to {index.last}, in order")
        for entry in index.days:
            self._try(f"{INDEX}, {entry.day}", partial(self._check_day, entry, self._newest.get(entry.day)))
        if index.totals != Totals.of(index.days):
            self.wrong(INDEX, "its totals are not those of its days")
        self.index = index

    def _check_statement(self, name: str, text: str, bucket: str) -> TreeHead:
        """Hold a statement against the chains."""
        self.statements[sha256(text.encode("utf-8")).hexdigest()] = name
        said = TreeHead.from_bytes(text.encode("utf-8"))
        event, manifest = said.events.number, said.manifests.number
        self.covers[said.sha256] = manifest
        found = (_at(self.events, event), _at(self.manifests, manifest), _at(self.roots, manifest), bucket)
        if found != (said.events.sha256, said.manifests.sha256, said.manifests.root, said.bucket):
            self.wrong(name, f"its statement is not about event {event} and manifest {manifest} as they are here")
        return said

    def _check_anchor(self, name: str, bucket: str) -> None:
        body = self._read(name)
        anchor = Anchor.from_bytes(body)
        statement = anchor.statement.encode("utf-8")
        if anchor.to_bytes() != body:
            self.wrong(name, "is not written as an anchor is")
        covered = self._check_statement(name, anchor.statement, bucket).manifests.number
        if self._read(statement_name(name)) != statement:
            self.wrong(statement_name(name), f"is not the statement in {name}")
        for number, stamp in enumerate(anchor.timestamps, 1):
            file = stamp_name(name, number)
            if self._try(file, partial(self._check_stamp, name, file, stamp, statement)):
                self.stamped = max(self.stamped, covered)

    def _check_stamp(self, anchor: str, file: str, stamp: Timestamp, statement: bytes) -> bool:
        """Check a time stamp; whether its signature is one that is trusted."""
        token = token_of(stamp)
        if self._read(file) != token:
            self.wrong(file, f"is not the time stamp in {anchor}")
        if sha256(statement).digest() not in token:
            self.wrong(anchor, "its time stamp is not of its statement")
        at = verify_timestamp(token, statement, self._ca_pem) if self._ca_pem is not None else None
        self.stamps.append(StampFound(file=file, authority=stamp.authority, at=at))
        return at is not None

    def _check_day(self, entry: DayEntry, manifest: bytes | None) -> None:
        """Hold a day against the manifest that counts; without one it must not pass for backed up."""
        for name in entry.unvouched or []:
            self._check_csv(name, None)
        if manifest is None:
            self.notes.append(f"{entry.day}: no manifest of the chain vouches for a backup. {entry.missing}")
            right = DayEntry(day=entry.day, missing=entry.missing or "", unvouched=entry.unvouched)
        else:
            vouched = read_json(Vouched, manifest)
            right = vouched.entry(entry.day)
            if self._check_csv(vouched.backup.key, vouched.expected) not in (None, vouched.merkle_root):
                self.wrong(vouched.backup.key, "its rows are not those of its manifest, or not in that order")
            if vouched.quarantine is not None:
                self._try(vouched.quarantine.key, partial(self._check_file, vouched.quarantine))
        if entry != right:
            self.wrong(f"{INDEX}, {entry.day}", f"is {_text(entry)}, its manifest says {_text(right)}")

    def _check_csv(self, name: str, expected: Expected | None) -> str | None:
        """Judge a CSV; returns the root of its row tree when nothing is wrong with it."""
        report = self._try(name, lambda: verify_csv(self._path(name), expected))
        if report is None:
            return None
        for problem in report.problems:
            self.wrong(name, problem)
        for row in report.bad_rows:
            self.wrong(f"{name}, row {row.row}", f"signal {row.signal_id} {row.reason}")
        return self._try(name, lambda: root_of_csv(self._path(name))) if report.ok else None

    def _check_file(self, stored: VouchedFile) -> None:
        if digest(self._path(stored.key)) != FileDigest(stored.bytes, stored.sha256):
            self.wrong(stored.key, "does not have the size and the SHA-256 that its manifest says")


def _at(chain: Sequence[str], number: int) -> str | None:
    return chain[number] if 0 <= number < len(chain) else None


def _text(entry: DayEntry) -> str:
    return entry.model_dump_json(exclude_none=True)
