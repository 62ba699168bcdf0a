"""Rolling segments: copies of all but the newest entries of a log, in few objects, so that a long log is read fast.

Nothing in them is believed: a copy counts as an entry only if its MD5 is the ETag that S3 lists for that entry. So
nobody gains anything by changing or deleting one; its entries are then read one by one, and the next writing puts it
right. Under KMS encryption ETags show nothing, and no rolling segment is written.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from hashlib import md5
from typing import NamedTuple, TypeVar

from signal_backups.core.base.errors import ArchivedError, NotFoundError
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.ledger.chained_log import ChainedLog
from signal_backups.core.ledger.segment_line import Line
from signal_backups.core.s3.object_version import ObjectVersion

#: A segment that is full has so many entries and is not replaced any more.
FULL = 10_000
#: The others end at the last multiple of their size, and begin where the next larger one ends.
SIZES = (1_000, 100, 1)
#: So few entries are read one by one, and a log with no more of them has no segment.
FEW = 16
#: No larger segment is written or read (bytes, before and after compression): memory stays bounded.
MAX_BYTES = 64 * 1024**2

_SUFFIX = ".jsonl.gz"
_GZIP_TYPE = "application/gzip"
_GZIP_FORMAT = 16 + zlib.MAX_WBITS

_log = logging.getLogger(__name__)

Value = TypeVar("Value")


class Run(NamedTuple):
    """The entries of one segment: from place ``begin`` up to place ``end`` of all entries in order, from 0."""

    name: str
    begin: int
    end: int


class RollingSegments:
    """The rolling segments of one log.

    Args:
        log: the log.
        prefix: of the keys of its segments.
    """

    def __init__(self, log: ChainedLog, prefix: str) -> None:
        self._log = log
        self._store = log.store
        self._prefix = prefix

    def key_of(self, name: str) -> str:
        """The key of a segment."""
        return f"{self._prefix}{name}{_SUFFIX}"

    def read(self, wanted: Mapping[int, ObjectVersion], convert: Callable[[Line], Value]) -> dict[int, Value]:
        """What is converted of those of some entries that the segments hold; the others have to be read one by one.

        Takes a listing and a request for each segment; none at all for few entries.

        Args:
            wanted: the versions of the entries as a listing of the log shows them, by number.
            convert: called with the line of each.

        Raises:
            StoreError: the store cannot be reached.
        """
        if len(wanted) <= FEW:
            return {}
        stored = self._listed()
        full = sorted((name for name in stored if name.startswith(f"{FULL}_")), reverse=True)
        return self._held(_in_order(stored, (*reversed(SIZES), *full)), wanted, convert)

    def write(self, entries: Mapping[int, ObjectVersion]) -> list[str]:
        """Replace the segments that lack an entry, and return their keys.

        Args:
            entries: the version of every entry, by number.

        Raises:
            StoreError: the store cannot be reached or refuses.
        """
        numbers = sorted(entries)
        # Under KMS encryption it would be in vain to read all of them.
        if len(numbers) <= FEW or not any(self._line(entries[number]) for number in (numbers[0], numbers[-1])):
            return []
        stored = self._listed()
        runs = ((run.name, numbers[run.begin : run.end]) for run in runs_of(len(numbers)))
        wanted = ((name, {number: entries[number] for number in part}) for name, part in runs)
        return [self.key_of(name) for name, part in wanted if self._write(name, stored, part)]

    def _write(self, name: str, stored: Mapping[str, ObjectVersion], wanted: Mapping[int, ObjectVersion]) -> bool:
        """Store a segment unless it holds everything; the entries are taken from the segments as far as they go."""
        own = [stored[name]] if name in stored else []
        lines = self._held(own, wanted, _unchanged)
        if len(lines) == len(wanted):
            return False
        lines |= self._held(
            _in_order(stored, [size for size in SIZES if str(size) != name]), _without(wanted, lines), _unchanged
        )
        missing = _without(wanted, lines)
        read = zip(missing, in_parallel(self._line, missing.values()), strict=True)
        lines |= {number: line for number, line in read if line is not None}
        text = b"".join(lines[number].model_dump_json().encode() + b"\n" for number in sorted(lines))
        if len(text) > MAX_BYTES:
            _log.warning("%s is not written: %d bytes are too many", self._store.uri(self.key_of(name)), len(text))
            return False
        body = gzip.compress(text, mtime=0)
        if own and own[0].etag.strip('"') == md5(body, usedforsecurity=False).hexdigest():
            return False
        self._store.put_bytes(self.key_of(name), body, _GZIP_TYPE)
        return True

    def _line(self, version: ObjectVersion) -> Line | None:
        """The line of an entry, if its ETag is the MD5 of its bytes."""
        try:
            line = Line.of(version, self._body(version))
        except (UnicodeDecodeError, NotFoundError, ArchivedError):
            return None  # not an entry, or one that is not there any more: finding it is the job of ``audit verify``
        return line if line.has_etag_of_body else None

    def _body(self, version: ObjectVersion) -> bytes:
        return self._store.get_bytes(version.key, version.version_id)[0]

    def _listed(self) -> dict[str, ObjectVersion]:
        """The current segments by name."""
        listed = self._store.list_current(self._prefix)
        return {found.key.removeprefix(self._prefix).removesuffix(_SUFFIX): found for found in listed}

    def _held(
        self,
        segments: Iterable[ObjectVersion],
        wanted: Mapping[int, ObjectVersion],
        convert: Callable[[Line], Value],
    ) -> dict[int, Value]:
        """What some segments hold of some entries; no more of them are read when everything is found."""
        found: dict[int, Value] = {}
        for segment in segments:
            doubtful = 0
            for line in self._lines(segment):
                number = self._log.number_of(line.key)
                if number is None or number not in wanted or number in found:
                    continue
                if line.proves(wanted[number]):
                    found[number] = convert(line)
                else:
                    doubtful += 1
            if doubtful:
                text = "%s holds other bytes than the log for %d of its entries: they are read themselves"
                _log.warning(text, self._store.uri(segment.key), doubtful)
            if len(found) == len(wanted):
                break
        return found

    def _lines(self, segment: ObjectVersion) -> Iterator[Line]:
        """The lines of a segment; none, or those before the fault, if it is not as it was written."""
        try:
            yield from map(Line.model_validate_json, self._text(segment).splitlines())
        except (NotFoundError, ArchivedError):
            return
        except (ValueError, zlib.error) as error:
            uri = self._store.uri(segment.key)
            _log.warning("%s is damaged (%s): its entries are read themselves", uri, type(error).__name__)

    def _text(self, segment: ObjectVersion) -> bytes:
        if segment.size > MAX_BYTES:
            raise ValueError("too large")
        unpacking = zlib.decompressobj(_GZIP_FORMAT)
        text = unpacking.decompress(self._body(segment), MAX_BYTES)
        if unpacking.unconsumed_tail or not unpacking.eof:
            raise ValueError("too large or cut off")
        return text


def _unchanged(line: Line) -> Line:
    return line


def _in_order(stored: Mapping[str, ObjectVersion], names: Iterable[str | int]) -> list[ObjectVersion]:
    return [stored[str(name)] for name in names if str(name) in stored]


def _without(wanted: Mapping[int, ObjectVersion], found: Container[int]) -> dict[int, ObjectVersion]:
    return {number: version for number, version in wanted.items() if number not in found}


def runs_of(count: int) -> list[Run]:
    """The segments of a log with so many entries, the oldest entries first; together they hold all of them."""
    begin = count // FULL * FULL
    runs = [Run(f"{FULL}_{place // FULL:05d}", place, place + FULL) for place in range(0, begin, FULL)]
    for size in SIZES:
        end = count // size * size
        if end > begin:
            runs.append(Run(f"{size}", begin, end))
        begin = end
    return runs
