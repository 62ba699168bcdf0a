"""Examining one log: whether the stored entries are those that were appended, and otherwise where they differ.

The findings are the fewest changes that explain what is stored. If entries after a change were rewritten to fit it, the
finding is at the first entry that does not fit. Nothing follows the last entry, so only the other log and anchors show
that it was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.integrity.log.entries import EntrySummary, read_entry
from signal_backups.core.integrity.log.findings import Fault, LogFinding, LogName, without_duplicates
from signal_backups.core.integrity.log.segments import Segment, Segments, by_folder, numbers_of
from signal_backups.core.ledger.chained_log import FIRST
from signal_backups.core.s3.object_version import ObjectVersion


@dataclass
class LogExamination:
    """The entries of a log, and what is wrong with it.

    Attributes:
        name: the log.
        findings: what is wrong, lowest number first, foreign objects last.
        entries: the readable entries that are stored under their own number, by number.
        last: the highest number of which any version, delete marker or segment line is left.
        folders_by_segment: how many folders were read from their segment, not entry by entry.
    """

    name: LogName
    findings: list[LogFinding] = field(default_factory=list)
    entries: dict[int, EntrySummary] = field(default_factory=dict)
    last: int = 0
    folders_by_segment: int = 0

    def sha256_of(self, number: int) -> str | None:
        """SHA-256 (hex) of an entry; None when it is missing or unreadable."""
        return self.entries[number].sha256 if number in self.entries else None


def examine_log(segments: Segments, *, full: bool = False) -> LogExamination:
    """Examine a log.

    Args:
        segments: the segments of the log.
        full: read every entry, and compare the segments with the entries.

    Raises:
        StoreError: the store cannot be read.
    """
    return _Examiner(segments, full=full).examine()


class _Examiner:
    def __init__(self, segments: Segments, *, full: bool) -> None:
        self._segments = segments
        self._log = segments.log
        self._full = full
        self._found = LogExamination(segments.name)
        self._versions: dict[int, list[ObjectVersion]] = {}
        self._in_segments: dict[int, str] = {}

    def examine(self) -> LogExamination:
        self._list_versions()
        segments = self._segments.versions()
        folders = by_folder(self._versions)
        # Newest first: a segment must match the previous hash in the first entry of the next folder.
        for folder in sorted(folders | segments, reverse=True):
            self._examine_folder(folder, folders.get(folder, {}), segments.get(folder, []))
        self._found.last = max(self._versions.keys() | self._in_segments.keys(), default=0)
        self._find_missing()
        self._find_broken_links()
        self._found.findings = without_duplicates(self._found.findings)
        return self._found

    def _list_versions(self) -> None:
        for version in self._log.store.list_versions(self._log.prefix):
            number = self._log.number_of(version.key)
            if number is not None:
                self._versions.setdefault(number, []).append(version)
            elif not version.is_delete_marker:
                self._add(
                    Fault.INSERTED, None, version, "is not an entry: this software writes no object with this key"
                )

    def _examine_folder(
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], segments: list[ObjectVersion]
    ) -> None:
        segment = self._read_segment(folder, segments)
        entries = None if self._full or segment is None else self._entries_of_segment(folder, versions, segment)
        if entries is not None:
            self._found.folders_by_segment += 1
            self._found.entries.update(entries)
            return
        originals = {number: stored[-1] for number in versions if (stored := _data(versions[number]))}
        bodies = dict(zip(originals, in_parallel(self._body, originals.values()), strict=True))
        for number, body in bodies.items():
            self._add_entry(number, originals[number], body)
            self._examine_versions(number, versions[number], body)
        if segment is not None:
            self._compare_segment(segment, originals, bodies)

    def _read_segment(self, folder: int, versions: list[ObjectVersion]) -> Segment | None:
        """Read the oldest version of a segment; any other version is a finding."""
        stored = _data(versions)
        if len(stored) < len(versions):
            self._add(Fault.SEGMENT, None, versions[0], "the segment was deleted")
        if len(stored) > 1:
            self._add(Fault.SEGMENT, None, stored[0], "the segment was overwritten")
        if not stored:
            return None
        try:
            segment = self._segments.read(folder, stored[-1])
        except VerificationError as error:
            self._add(Fault.SEGMENT, None, stored[-1], f"the segment {error.what}")
            return None
        self._in_segments |= dict.fromkeys(segment.lines, segment.stored.key)
        return segment

    def _entries_of_segment(
        self, folder: int, versions: Mapping[int, list[ObjectVersion]], segment: Segment
    ) -> dict[int, EntrySummary] | None:
        """The entries of a segment, if the listing shows the same versions and the hash chain is intact; else None."""
        following = self._found.entries.get(numbers_of(folder).stop)
        if following is None or not all(
            len(versions.get(number, [])) == 1 and line.matches(versions[number][0]) and line.has_etag_of_body
            for number, line in segment.lines.items()
        ):
            return None
        entries = self._hash_chain(segment, {number: stored[0] for number, stored in versions.items()})
        return entries if entries and entries[max(entries)].sha256 == following.previous else None

    def _hash_chain(self, segment: Segment, stored: Mapping[int, ObjectVersion]) -> dict[int, EntrySummary] | None:
        """The entries of a segment; None when one is unreadable or does not follow the one before."""
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

    def _add_entry(self, number: int, stored: ObjectVersion, body: bytes) -> None:
        try:
            entry = read_entry(self._found.name, stored, body)
        except VerificationError as error:
            self._add(Fault.UNREADABLE, number, stored, error.what)
            return
        if entry.number != number:
            self._add(
                Fault.REORDERED, number, stored, f"entry {entry.number} is stored under the key of entry {number}"
            )
            return
        self._found.entries[number] = entry

    def _examine_versions(self, number: int, versions: list[ObjectVersion], body: bytes) -> None:
        """An entry has one version; later versions and delete markers are findings."""
        *newer, original = _data(versions)
        for marker in versions:
            if marker.is_delete_marker:
                words = (
                    f"entry {number} is hidden by a delete marker; it is still there as version {original.version_id}"
                )
                self._add(Fault.REMOVED, number, marker, words)
        for version in reversed(newer):
            newer_body = self._body(version)
            if newer_body != body:
                kind, how = self._classify_overwrite(number, version, newer_body)
                words = f"{how} entry {number}; the original is still there as version {original.version_id}"
                self._add(kind, number, version, words)

    def _classify_overwrite(self, number: int, version: ObjectVersion, body: bytes) -> tuple[Fault, str]:
        try:
            entry = read_entry(self._found.name, version, body)
        except VerificationError:
            return Fault.EDITED, "an object that is not an entry overwrote"
        original = self._found.entries.get(number)
        if entry.number != number:
            return Fault.REORDERED, f"entry {entry.number} overwrote"
        if original and original.previous == entry.previous and original.identity != entry.identity:
            return Fault.FORKED, "a second writer took the number of"
        return Fault.EDITED, "an edited version overwrote"

    def _compare_segment(
        self,
        segment: Segment,
        originals: Mapping[int, ObjectVersion],
        bodies: Mapping[int, bytes],
    ) -> None:
        """Compare a segment with the stored entries; the first difference is a finding."""
        lines = {number: line for number, line in segment.lines.items() if number in self._found.entries}
        for number, line in lines.items():
            stored = originals[number]
            if line.body.encode() == bodies[number]:
                continue
            # A version never changes, and a segment is only written from an intact hash chain.
            if line.version_id == stored.version_id or self._hash_chain(segment, originals) is None:
                words = f"the segment was changed: its entry {number} differs from version {stored.version_id}"
                self._add(Fault.SEGMENT, number, segment.stored, words)
            else:
                words = f"entry {number} was changed: it differs from segment {segment.stored.key}"
                self._add(Fault.EDITED, number, stored, words)
            return
        stored_again = [number for number, line in lines.items() if not line.matches(originals[number])]
        if stored_again:
            words = (
                f"entry {stored_again[0]} has another version id than in the segment: it was deleted and stored again"
            )
            self._add(Fault.SEGMENT, stored_again[0], segment.stored, words)

    def _find_missing(self) -> None:
        stored = {number for number, versions in self._versions.items() if _data(versions)}
        # A high number counts only if a readable entry, a segment or a delete marker has it.
        known = self._found.entries.keys() | self._in_segments.keys() | self._versions.keys() - stored
        for first, last in _gaps(stored, max(known, default=0)):
            following = self._found.entries.get(last + 1)
            if following is not None and following.previous == self._hash_before(first):
                words = f"entry {following.number} was made to follow entry {first - 1}"
                self._add(Fault.INSERTED, following.number, following.stored, words)
                continue
            key = self._log.key_of(first)
            what = f"entry {first} is" if first == last else f"entries {first} to {last} are"
            kept = f"; segment {self._in_segments[first]} still contains them" if first in self._in_segments else ""
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
        """Find entries whose SHA-256 is not the one that the next entry carries."""
        last_explained = 0
        for number in sorted(self._found.entries):
            entry = self._found.entries[number]
            before = self._hash_before(number)
            if before is None or before == entry.previous or last_explained == number - 1 > 0:
                continue
            last_explained = number if self._was_changed(number) else number - 1
            changed = f"entry {last_explained}, or one before it, was changed"
            kind, words = Fault.EDITED, f"{changed}: it does not fit entry {number}"
            if last_explained == number:
                words = f"{changed}: it does not fit the entries before and after it"
                if number > 1 and number + 1 not in self._found.entries:
                    kind, words = Fault.INSERTED, f"entry {number} does not follow entry {number - 1}"
            self._add(kind, last_explained, self._found.entries[last_explained].stored, words)

    def _was_changed(self, number: int) -> bool:
        """Where entry and predecessor do not fit: whether the entry was changed, rather than its predecessor."""
        entry, following = self._found.entries[number], self._found.entries.get(number + 1)
        if number == 1:
            return True
        if following is not None:
            return following.previous != entry.sha256
        # At the end of the log: an original predecessor is older than the entry.
        return self._found.entries[number - 1].stored.last_modified < entry.stored.last_modified

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
    """First and last number of each gap up to ``last``."""
    expected = 1
    for number in [*sorted(number for number in numbers if number <= last), last + 1]:
        if number > expected:
            yield expected, number - 1
        expected = number + 1
