"""Examining one log: is what is stored what was appended, and if not, where does that show first?

Findings name the fewest changes that explain what is stored. If later entries were rewritten to fit a change, it shows
after them. Hashes do not protect the end of a log: only the other log and anchors show that it was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.integrity.log.entries import EntrySummary, read_entry
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName, each_once
from signal_backups.core.integrity.log.segments import Segment, Segments, by_folder, numbers_of
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.s3.object_version import ObjectVersion


@dataclass
class LogExamination:
    """What there is of a log, and what is wrong with it.

    Attributes:
        name: which log.
        findings: what is wrong, lowest number first, foreign objects last.
        seen: the readable entries that are stored under their own number, by number.
        last: the highest number that was ever taken, as far as anything shows.
        folders_by_segment: how many folders were not read entry by entry.
    """

    name: LogName
    findings: list[LogFinding] = field(default_factory=list)
    seen: dict[int, EntrySummary] = field(default_factory=dict)
    last: int = 0
    folders_by_segment: int = 0

    def sha256_of(self, number: int) -> str | None:
        """SHA-256 (hex) of an entry; None when it is not there or not to be read."""
        return self.seen[number].sha256 if number in self.seen else None


def examine_log(segments: Segments, *, full: bool = False) -> LogExamination:
    """Examine a log.

    Args:
        segments: the segments of the log.
        full: read every entry, and compare the segments with them.

    Raises:
        StoreError: the store cannot be read.
    """
    return _Examiner(segments, full=full).examined()


class _Examiner:
    def __init__(self, segments: Segments, *, full: bool) -> None:
        self._segments = segments
        self._log = segments.log
        self._full = full
        self._found = LogExamination(segments.name)
        self._versions: dict[int, list[ObjectVersion]] = {}
        self._in_segments: dict[int, str] = {}

    def examined(self) -> LogExamination:
        self._list()
        segments = self._segments.versions()
        folders = by_folder(self._versions)
        # Newest first: a folder's segment has to match the hash that the next folder begins with.
        for folder in sorted(folders | segments, reverse=True):
            self._examine_folder(folder, folders.get(folder, {}), segments.get(folder, []))
        self._found.last = max(self._versions.keys() | self._in_segments.keys(), default=0)
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
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], segments: list[ObjectVersion]
    ) -> None:
        segment = self._segment(folder, segments)
        entries = None if self._full or segment is None else self._by_segment(folder, versions, segment)
        if entries is not None:
            self._found.folders_by_segment += 1
            self._found.seen.update(entries)
            return
        originals = {number: stored[-1] for number in versions if (stored := _data(versions[number]))}
        bodies = dict(zip(originals, in_parallel(self._body, originals.values()), strict=True))
        for number, body in bodies.items():
            self._look(number, originals[number], body)
            self._examine_versions(number, versions[number], body)
        if segment is not None:
            self._compare(segment, originals, bodies)

    def _segment(self, folder: int, versions: list[ObjectVersion]) -> Segment | None:
        """The segment as it was first stored; any other version under its key is a finding."""
        stored = _data(versions)
        if len(stored) < len(versions):
            self._add(Fault.CHECKPOINT, None, versions[0], "the segment was deleted")
        if len(stored) > 1:
            self._add(Fault.CHECKPOINT, None, stored[0], "another version was put over the segment")
        if not stored:
            return None
        try:
            segment = self._segments.read(folder, stored[-1])
        except VerificationError as error:
            self._add(Fault.CHECKPOINT, None, stored[-1], f"the segment {error.what}")
            return None
        self._in_segments |= dict.fromkeys(segment.lines, segment.stored.key)
        return segment

    def _by_segment(
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], segment: Segment
    ) -> dict[int, EntrySummary] | None:
        """The entries of a folder, if the store still shows the same bytes and each entry follows the one before."""
        following = self._found.seen.get(numbers_of(folder).stop)
        if following is None or not all(
            len(versions.get(number, [])) == 1 and line.shows(versions[number][0]) and line.has_etag_of_body
            for number, line in segment.lines.items()
        ):
            return None
        entries = self._chain_of(segment, {number: stored[0] for number, stored in versions.items()})
        return entries if entries and entries[max(entries)].sha256 == following.previous else None

    def _chain_of(self, segment: Segment, stored: Mapping[int, ObjectVersion]) -> dict[int, EntrySummary] | None:
        """The entries in a segment; None when they do not follow one another."""
        entries: dict[int, EntrySummary] = {}
        for number, line in segment.lines.items():
            try:
                entry = read_entry(self._found.name, stored.get(number, segment.stored), line.body.encode())
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
            self._add(Fault.REORDERED, number, stored, f"entry {entry.number} is stored at the place of entry {number}")
            return
        self._found.seen[number] = entry

    def _examine_versions(self, number: int, versions: list[ObjectVersion], body: bytes) -> None:
        """An entry is one version: find later versions and delete markers."""
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
        segment: Segment,
        originals: Mapping[int, ObjectVersion],
        bodies: Mapping[int, bytes],
    ) -> None:
        """Compare a segment with the entries themselves; the first difference is a finding."""
        lines = {number: line for number, line in segment.lines.items() if number in self._found.seen}
        for number, line in lines.items():
            stored = originals[number]
            if line.body.encode() == bodies[number]:
                continue
            # A version never changes, and we never write a segment whose entries do not follow one another.
            if line.version_id == stored.version_id or self._chain_of(segment, originals) is None:
                words = f"the segment was changed: it holds another entry {number} than version {stored.version_id}"
                self._add(Fault.CHECKPOINT, number, segment.stored, words)
            else:
                words = f"entry {number} was changed: segment {segment.stored.key} holds another one"
                self._add(Fault.EDITED, number, stored, words)
            return
        moved = [number for number, line in lines.items() if not line.shows(originals[number])]
        if moved:
            words = f"entry {moved[0]} is another version than in the segment: it was deleted and stored again"
            self._add(Fault.CHECKPOINT, moved[0], segment.stored, words)

    def _find_missing(self) -> None:
        there = {number for number, versions in self._versions.items() if _data(versions)}
        # An object that is no entry does not make a log longer, whatever its key.
        known = self._found.seen.keys() | self._in_segments.keys() | self._versions.keys() - there
        for first, last in _gaps(there, max(known, default=0)):
            following = self._found.seen.get(last + 1)
            if following is not None and following.previous == self._hash_before(first):
                words = f"entry {following.number} has the number {following.number}, and says it follows {first - 1}"
                self._add(Fault.INSERTED, following.number, following.stored, words)
                continue
            key = self._log.key_of(first)
            what = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            kept = f"; segment {self._in_segments[first]} still holds them" if first in self._in_segments else ""
            self._found.findings.append(
                LogFinding(
                    log=self._found.name,
                    kind=Fault.REMOVED,
                    number=first,
                    key=key,
                    version_id=None,
                    words=f"{what} missing{kept}",
                )
            )

    def _find_broken_links(self) -> None:
        """Find the entries whose hash is not the one that the next entry carries."""
        explained = 0
        for number in sorted(self._found.seen):
            entry = self._found.seen[number]
            before = self._hash_before(number)
            if before is None or before == entry.previous or explained == number - 1 > 0:
                continue
            explained = number if self._was_changed(number) else number - 1
            changed = f"entry {explained}, or one before it, was changed"
            kind, words = Fault.EDITED, f"{changed}: it does not fit entry {number}"
            if explained == number:
                words = f"{changed}: it fits neither the one before nor the next"
                if number > 1 and number + 1 not in self._found.seen:
                    kind, words = Fault.INSERTED, f"entry {number} does not follow entry {number - 1}"
            self._add(kind, explained, self._found.seen[explained].stored, words)

    def _was_changed(self, number: int) -> bool:
        """Of an entry that does not follow the one before: whether it is the changed one, not the one before."""
        entry, following = self._found.seen[number], self._found.seen.get(number + 1)
        if number == 1:
            return True
        if following is not None:
            return following.previous != entry.sha256
        # No entry follows it: the one stored too late was changed.
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
