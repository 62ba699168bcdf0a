"""Checking a bundle with our own modules: what the stand-alone verifier checks, and the signatures of time stamps.

A test holds the two together: both give the same verdict on thousands of good and damaged bundles. Findings are
collected, not raised. What does not belong here: unpacking ZIPs (``unpacking``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from signal_backups.core.bundle.content import (
    ALWAYS_THERE,
    EVENTS,
    INDEX,
    MANIFESTS,
    SUMS,
    BundleIndex,
    DayEntry,
    Totals,
    instant,
    manifest_name,
    stamp_name,
    statement_name,
    token_of,
)
from signal_backups.core.bundle.report import BundleFinding, BundleReport, StampFound
from signal_backups.core.bundle.unpacking import unpacked
from signal_backups.core.csv_format import FileDigest, digest
from signal_backups.core.days import days_between
from signal_backups.core.errors import NotFoundError, SignalBackupsError, VerificationError
from signal_backups.core.manifest import Manifest, StoredFile
from signal_backups.core.proof.anchors import Anchor
from signal_backups.core.proof.merkle import MerkleTree, leaf_hash
from signal_backups.core.proof.proof_file import Timestamp
from signal_backups.core.proof.row_tree import root_of_csv
from signal_backups.core.proof.statement import Count, Sha256, Statement
from signal_backups.core.proof.timestamp_authority import verify_timestamp
from signal_backups.core.trail.event import Event
from signal_backups.core.trail.numbered_log import FIRST
from signal_backups.core.verify import Expected, verify_csv

_ANCHOR = re.compile(r"anchors/[^./]+\.json")

Checked = TypeVar("Checked")


def check_bundle(path: Path, ca_pem: bytes | None = None, head: str | None = None) -> BundleReport:
    """Check a bundle.

    Args:
        path: its folder or ZIP.
        ca_pem: certificates (PEM) that its time stamps have to lead to; without them no signature is checked.
        head: SHA-256 (hex) of the bytes of a statement that has to be in it.

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
    if ca_pem is not None and not check.stamps:
        check.wrong(INDEX, "there is no time stamp to check")
    totals = Totals.of(check.days)
    return BundleReport(
        findings=check.findings,
        notes=check.notes,
        statements=check.statements,
        stamps=check.stamps,
        days=totals.backed_up,
        records=totals.records,
        manifests=len(check.manifests) - 1,
        events=len(check.events) - 1,
    )


class _Written(BaseModel):
    """What an event says of the manifest that was written."""

    model_config = ConfigDict(strict=True, extra="forbid")

    number: Count
    sha256: Sha256


class _Check:
    """One check. Chains and roots are by number, 0 being what a chain without entries gives."""

    def __init__(self, folder: Path, ca_pem: bytes | None) -> None:
        self.findings: list[BundleFinding] = []
        self.notes: list[str] = []
        self.statements: dict[str, str] = {}
        self.stamps: list[StampFound] = []
        self.days: list[DayEntry] = []
        self.manifests, self.events, self.roots = [FIRST], [FIRST], [MerkleTree().root().hex()]
        self._newest: dict[date, Manifest] = {}
        self._spoken_of = set(ALWAYS_THERE)
        self._folder, self._ca_pem = folder, ca_pem
        self._names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}

    def wrong(self, file: str, what: str) -> None:
        """Add a finding."""
        self.findings.append(BundleFinding(file=file, what=what))

    def run(self) -> None:
        """Check everything."""
        self._try(SUMS, self._check_sums)
        self._check_manifests()
        self._try(EVENTS, self._check_events)
        is_read = self._try(INDEX, self._check_index)
        for name in sorted(self._names - self._spoken_of) if is_read else ():
            self.wrong(name, "nothing in the bundle speaks of this file")
        for name in sorted(ALWAYS_THERE - self._names):
            self.wrong(name, "is missing")

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

    def _check_sums(self) -> None:
        body = self._read(SUMS)
        found = {name: digest(self._folder / name).sha256 for name in sorted(self._names - {SUMS})}
        lines = {f"{sha256_of}  {name}": name for name, sha256_of in found.items()}
        if body == "".join(f"{line}\n" for line in lines).encode("utf-8"):
            return
        listed = body.decode("utf-8", "replace").split("\n")
        for line in sorted(lines.keys() - set(listed)):
            self.wrong(lines[line], f"its SHA-256 is {line[:64]}, which is not in {SUMS}: one of them was changed")
        for line in sorted(set(listed) - lines.keys() - {""}):
            self.wrong(SUMS, f"no file gives its line {line!r}")
        self.wrong(SUMS, "is not exactly what the files give")

    def _check_manifests(self) -> None:
        tree = MerkleTree()
        for number in range(1, 1 + sum(name.startswith(MANIFESTS) for name in self._names)):
            name = manifest_name(number)
            body = self._try(name, partial(self._read, name)) or b""
            manifest = self._try(name, partial(Manifest.from_bytes, body, name))
            self._link(name, self.manifests, body, manifest)
            tree.add(leaf_hash(bytes.fromhex(self.manifests[-1])))
            self.roots.append(tree.root().hex())
            if manifest is not None:
                self._newest[manifest.day] = manifest

    def _check_events(self) -> None:
        told = set()
        with self._path(EVENTS).open("rb") as lines:
            for number, line in enumerate(lines, 1):
                name = f"{EVENTS}, event {number}"
                event = self._try(name, partial(Event.from_bytes, line, name))
                self._link(name, self.events, line, event)
                if event is not None and "manifest" in event.details:
                    told.add(self._try(name, partial(self._manifest_of, event)))
        for number in range(1, len(self.manifests)):
            if number not in told:
                self.notes.append(f"{manifest_name(number)}: no event says that it was written")

    def _link(self, name: str, chain: list[str], body: bytes, entry: Manifest | Event | None) -> None:
        """Append an entry to its chain, and see whether it belongs there."""
        if entry is not None and (entry.number, entry.previous) != (len(chain), chain[-1]):
            self.wrong(name, f"is not number {len(chain)}, or does not carry the SHA-256 of the entry before")
        chain.append(sha256(body).hexdigest())

    def _manifest_of(self, event: Event) -> int:
        written = _Written.model_validate(event.details["manifest"])
        if _at(self.manifests, written.number) != written.sha256:
            raise VerificationError(f"manifest {written.number} is not the one that it speaks of")
        return written.number

    def _check_index(self) -> bool:
        index = BundleIndex.from_bytes(self._read(INDEX))
        said = self._try(INDEX, partial(self._check_statement, INDEX, index.statement, index.bucket))
        right = (index.made_at, len(self.events) - 1, len(self.manifests) - 1)
        if said is not None and (instant(said.at), said.events.number, said.manifests.number) != right:
            self.wrong(INDEX, "its statement is not of its time, or not about the last event and manifest")
        for name in sorted(filter(_ANCHOR.fullmatch, self._names)):
            self._try(name, partial(self._check_anchor, name, index.bucket))
        if [entry.day for entry in index.days] != list(days_between(index.first, index.last)):
            self.wrong(INDEX, f"does not give every day from {index.first} to {index.last}, in order")
        for entry in index.days:
            self._check_day(entry, self._newest.get(entry.day))
        if index.totals != Totals.of(index.days):
            self.wrong(INDEX, "its totals are not those of its days")
        self.days = index.days
        return True

    def _check_statement(self, name: str, text: str, bucket: str) -> Statement:
        """Hold a statement against the chains."""
        self.statements[sha256(text.encode("utf-8")).hexdigest()] = name
        said = Statement.from_bytes(text.encode("utf-8"))
        event, manifest = said.events.number, said.manifests.number
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
        self._check_statement(name, anchor.statement, bucket)
        if self._read(statement_name(name)) != statement:
            self.wrong(statement_name(name), f"is not the statement in {name}")
        for number, stamp in enumerate(anchor.timestamps, 1):
            file = stamp_name(name, number)
            self._try(file, partial(self._check_stamp, name, file, stamp, statement))

    def _check_stamp(self, anchor: str, file: str, stamp: Timestamp, statement: bytes) -> None:
        token = token_of(stamp)
        if self._read(file) != token:
            self.wrong(file, f"is not the time stamp in {anchor}")
        if sha256(statement).digest() not in token:
            self.wrong(anchor, "its time stamp is not of its statement")
        at = verify_timestamp(token, statement, self._ca_pem) if self._ca_pem is not None else None
        self.stamps.append(StampFound(file=file, authority=stamp.authority, at=at))

    def _check_day(self, entry: DayEntry, manifest: Manifest | None) -> None:
        """Hold a day against the manifest that counts; without one it must not pass for backed up."""
        for name in entry.unvouched or []:
            self._check_csv(name, None)
        if manifest is None:
            self.notes.append(f"{entry.day}: no manifest of the chain vouches for a backup. {entry.missing}")
            right = DayEntry(day=entry.day, missing=entry.missing or "", unvouched=entry.unvouched)
        else:
            right = _entry_of(manifest)
            root = self._check_csv(manifest.backup.key, manifest.expected)
            if root not in (None, manifest.merkle_root) and manifest.merkle_root is not None:
                self.wrong(manifest.backup.key, "its rows are not those of its manifest, or not in that order")
            if manifest.quarantine is not None:
                self._try(manifest.quarantine.key, partial(self._check_file, manifest.quarantine))
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

    def _check_file(self, stored: StoredFile) -> None:
        if digest(self._path(stored.key)) != FileDigest(stored.bytes, stored.sha256):
            self.wrong(stored.key, "does not have the size and the SHA-256 that its manifest says")


def _at(chain: Sequence[str], number: int) -> str | None:
    return chain[number] if number < len(chain) else None


def _entry_of(manifest: Manifest) -> DayEntry:
    return DayEntry(
        day=manifest.day,
        csv=manifest.backup.key,
        quarantine=manifest.quarantine.key if manifest.quarantine else None,
        manifest=manifest.number,
        records=manifest.records,
    )


def _text(entry: DayEntry) -> str:
    return entry.model_dump_json(exclude_none=True)
