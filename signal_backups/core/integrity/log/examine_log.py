"""Examining one log: whether what is stored is what was appended, and if not, where that shows first.

Names are given by the fewest changes that explain what is stored; a change to which later entries were fitted shows
after them. The end of a log is held by nothing: that it was changed, or cut off, only the other log and anchors show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.integrity.log.entries import EntrySummary, read_entry
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName, each_once
from signal_backups.core.integrity.log.segments import Checkpoints, Segment, by_folder, numbers_of
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.s3.object_version import ObjectVersion


@dataclass
class LogExamination:
    """What there is of a log, and what is wrong with it.

    Attributes:
        name: which log.
        findings: what is wrong, lowest number first, foreign objects last.
        seen: the entries that can be read and stand at their own number, by number.
        last: the highest number that was ever taken, as far as anything shows.
        folders_by_checkpoint: how many folders were not read entry by entry.
    """

    name: LogName
    findings: list[LogFinding] = field(default_factory=list)
    seen: dict[int, EntrySummary] = field(default_factory=dict)
    last: int = 0
    folders_by_checkpoint: int = 0

    def sha256_of(self, number: int) -> str | None:
        """SHA-256 (hex) of an entry; None when it is not there or not to be read."""
        return self.seen[number].sha256 if number in self.seen else None


def examine_log(checkpoints: Checkpoints, *, full: bool = False) -> LogExamination:
    """Examine a log.

    Args:
        checkpoints: those of the log.
        full: read every entry, and hold the checkpoints against them.

    Raises:
        StoreError: the store cannot be read.
    """
    return _Examiner(checkpoints, full=full).examined()


class _Examiner:
    def __init__(self, checkpoints: Checkpoints, *, full: bool) -> None:
        self._checkpoints = checkpoints
        self._log = checkpoints.log
        self._full = full
        self._found = LogExamination(checkpoints.name)
        self._versions: dict[int, list[ObjectVersion]] = {}
        self._in_checkpoints: dict[int, str] = {}

    def examined(self) -> LogExamination:
        self._list()
        checkpoints = self._checkpoints.versions()
        folders = by_folder(self._versions)
        # The newest first: what a checkpoint says of a folder has to be what the folder after it was built upon.
        for folder in sorted(folders | checkpoints, reverse=True):
            self._examine_folder(folder, folders.get(folder, {}), checkpoints.get(folder, []))
        self._found.last = max(self._versions.keys() | self._in_checkpoints.keys(), default=0)
        self._find_missing()
        self._find_broken_links()
        self._found.findings = each_once(self._found.findings)
        return self._found

    def _list(self) -> None:
        for version in self._log.store.list_versions(self._log.prefix):
            number = self._log.number_of(version.key)
            if number is not None:
                self._versions.setdefault(number, []).append(version)
            elif not version.is_delete_marker:
                self._add(Fault.INSERTED, None, version, "is no entry: nothing of ours writes an object of this name")

    def _examine_folder(
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], checkpoints: list[ObjectVersion]
    ) -> None:
        checkpoint = self._checkpoint(folder, checkpoints)
        entries = None if self._full or checkpoint is None else self._by_checkpoint(folder, versions, checkpoint)
        if entries is not None:
            self._found.folders_by_checkpoint += 1
            self._found.seen.update(entries)
            return
        originals = {number: stored[-1] for number in versions if (stored := _data(versions[number]))}
        bodies = dict(zip(originals, in_parallel(self._body, originals.values()), strict=True))
        for number, body in bodies.items():
            self._look(number, originals[number], body)
            self._examine_versions(number, versions[number], body)
        if checkpoint is not None:
            self._compare(checkpoint, originals, bodies)

    def _checkpoint(self, folder: int, versions: list[ObjectVersion]) -> Segment | None:
        """The checkpoint as it was first stored; whatever else stands under its key is a finding."""
        stored = _data(versions)
        if len(stored) < len(versions):
            self._add(Fault.CHECKPOINT, None, versions[0], "the checkpoint was deleted")
        if len(stored) > 1:
            self._add(Fault.CHECKPOINT, None, stored[0], "another version was put over the checkpoint")
        if not stored:
            return None
        try:
            checkpoint = self._checkpoints.read(folder, stored[-1])
        except VerificationError as error:
            self._add(Fault.CHECKPOINT, None, stored[-1], f"the checkpoint {error.what}")
            return None
        self._in_checkpoints |= dict.fromkeys(checkpoint.lines, checkpoint.stored.key)
        return checkpoint

    def _by_checkpoint(
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], checkpoint: Segment
    ) -> dict[int, EntrySummary] | None:
        """The entries of a folder, when the store still shows those very bytes and its chain is whole."""
        following = self._found.seen.get(numbers_of(folder).stop)
        if following is None or not all(
            len(versions.get(number, [])) == 1 and line.shows(versions[number][0]) and line.has_etag_of_body
            for number, line in checkpoint.lines.items()
        ):
            return None
        entries = self._chain_of(checkpoint, {number: stored[0] for number, stored in versions.items()})
        return entries if entries and entries[max(entries)].sha256 == following.previous else None

    def _chain_of(self, checkpoint: Segment, stored: Mapping[int, ObjectVersion]) -> dict[int, EntrySummary] | None:
        """The entries that a checkpoint holds; None when they are not a chain."""
        entries: dict[int, EntrySummary] = {}
        for number, line in checkpoint.lines.items():
            try:
                entry = read_entry(self._found.name, stored.get(number, checkpoint.stored), line.body.encode())
            except VerificationError:
                return None
            follows = number - 1 not in entries or entries[number - 1].sha256 == entry.previous
            if entry.number != number or not follows or len(line.body.encode()) != line.size:
                return None
            entries[number] = entry
        return entries

    def _body(self, version: ObjectVersion) -> bytes:
        return self._log.store.get_bytes(version.key, version.version_id)[0]

    def _look(self, number: int, stored: ObjectVersion, body: bytes) -> None:
        try:
            entry = read_entry(self._found.name, stored, body)
        except VerificationError as error:
            self._add(Fault.UNREADABLE, number, stored, error.what)
            return
        if entry.number != number:
            self._add(Fault.REORDERED, number, stored, f"entry {entry.number} stands at the place of entry {number}")
            return
        self._found.seen[number] = entry

    def _examine_versions(self, number: int, versions: list[ObjectVersion], body: bytes) -> None:
        """An entry is one version: what was put over it later, and who hid it."""
        *newer, original = _data(versions)
        for marker in versions:
            if marker.is_delete_marker:
                words = (
                    f"entry {number} is hidden by a delete marker; it is still there as version {original.version_id}"
                )
                self._add(Fault.REMOVED, number, marker, words)
        for version in reversed(newer):
            changed = self._body(version)
            if changed != body:
                kind, how = self._put_over(number, version, changed)
                words = f"{how} entry {number}; the original is still there as version {original.version_id}"
                self._add(kind, number, version, words)

    def _put_over(self, number: int, version: ObjectVersion, body: bytes) -> tuple[Fault, str]:
        try:
            entry = read_entry(self._found.name, version, body)
        except VerificationError:
            return Fault.EDITED, "something that is no entry was put over"
        original = self._found.seen.get(number)
        if entry.number != number:
            return Fault.REORDERED, f"entry {entry.number} was put over"
        if original and original.previous == entry.previous and original.identity != entry.identity:
            return Fault.FORKED, "a second writer took the number of"
        return Fault.EDITED, "an edited version was put over"

    def _compare(
        self,
        checkpoint: Segment,
        originals: Mapping[int, ObjectVersion],
        bodies: Mapping[int, bytes],
    ) -> None:
        """Hold a checkpoint against the entries themselves; the first that differs is a finding."""
        lines = {number: line for number, line in checkpoint.lines.items() if number in self._found.seen}
        for number, line in lines.items():
            stored = originals[number]
            if line.body.encode() == bodies[number]:
                continue
            # A version never changes, and what is no chain was never written by us.
            if line.version_id == stored.version_id or self._chain_of(checkpoint, originals) is None:
                words = f"the checkpoint was changed: it holds another entry {number} than version {stored.version_id}"
                self._add(Fault.CHECKPOINT, number, checkpoint.stored, words)
            else:
                words = f"entry {number} was changed: checkpoint {checkpoint.stored.key} holds another one"
                self._add(Fault.EDITED, number, stored, words)
            return
        moved = [number for number, line in lines.items() if not line.shows(originals[number])]
        if moved:
            words = f"entry {moved[0]} is another version than in the checkpoint: it was deleted and stored again"
            self._add(Fault.CHECKPOINT, moved[0], checkpoint.stored, words)

    def _find_missing(self) -> None:
        there = {number for number, versions in self._versions.items() if _data(versions)}
        # What is no entry, wherever it stands, does not make a log longer.
        known = self._found.seen.keys() | self._in_checkpoints.keys() | self._versions.keys() - there
        for first, last in _gaps(there, max(known, default=0)):
            following = self._found.seen.get(last + 1)
            if following is not None and following.previous == self._hash_before(first):
                words = f"entry {following.number} has the number {following.number}, and says it follows {first - 1}"
                self._add(Fault.INSERTED, following.number, following.stored, words)
                continue
            key = self._log.key_of(first)
            what = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            held = (
                f"; checkpoint {self._in_checkpoints[first]} still holds them" if first in self._in_checkpoints else ""
            )
            self._found.findings.append(
                LogFinding(
                    log=self._found.name,
                    kind=Fault.REMOVED,
                    number=first,
                    key=key,
                    version_id=None,
                    words=f"{what} missing{held}",
                )
            )

    def _find_broken_links(self) -> None:
        """Name the entries that are not what the one after them was built upon."""
        explained = 0
        for number in sorted(self._found.seen):
            entry = self._found.seen[number]
            before = self._hash_before(number)
            if before is None or before == entry.previous or explained == number - 1 > 0:
                continue
            explained = number if self._is_culprit(number) else number - 1
            changed = f"entry {explained}, or one before it, was changed"
            kind, words = Fault.EDITED, f"{changed}: it does not fit entry {number}"
            if explained == number:
                words = f"{changed}: it fits neither the one before nor the next"
                if number > 1 and number + 1 not in self._found.seen:
                    kind, words = Fault.INSERTED, f"entry {number} does not follow entry {number - 1}"
            self._add(kind, explained, self._found.seen[explained].stored, words)

    def _is_culprit(self, number: int) -> bool:
        """Of an entry that does not follow the one before: whether it was changed, and not the one before."""
        entry, following = self._found.seen[number], self._found.seen.get(number + 1)
        if number == 1:
            return True
        if following is not None:
            return following.previous != entry.sha256
        # Nothing was built upon it: whichever was stored later than it can have been.
        return self._found.seen[number - 1].stored.last_modified < entry.stored.last_modified

    def _hash_before(self, number: int) -> str | None:
        return FIRST if number == 1 else self._found.sha256_of(number - 1)

    def _add(self, kind: Fault, number: int | None, version: ObjectVersion, words: str) -> None:
        found = LogFinding(
            log=self._found.name,
            kind=kind,
            number=number,
            key=version.key,
            version_id=version.version_id,
            words=words,
        )
        self._found.findings.append(found)


def _data(versions: Iterable[ObjectVersion]) -> list[ObjectVersion]:
    return [version for version in versions if not version.is_delete_marker]


def _gaps(numbers: Iterable[int], last: int) -> Iterator[tuple[int, int]]:
    """First and last number of each run that is missing up to ``last``."""
    expected = 1
    for number in [*sorted(number for number in numbers if number <= last), last + 1]:
        if number > expected:
            yield expected, number - 1
        expected = number + 1
