"""What the listing of a log shows of its damage: entries that are missing, hidden or overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel

from signal_backups.core.ledger.chained_log import first_stored
from signal_backups.core.s3.object_version import ObjectVersion

Range = tuple[int, int]


class LogDamage(BaseModel, frozen=True):
    """The damaged entries of a log.

    Attributes:
        missing: the ranges of numbers without any version, in order.
        changed: by number, the version ids of an entry that has not exactly one version, newest first.
    """

    missing: list[Range] = []
    changed: dict[int, list[str]] = {}

    @classmethod
    def of(cls, versions: Mapping[int, Sequence[ObjectVersion]]) -> LogDamage:
        """What all versions and delete markers of a log's entries show, by number."""
        changed = {
            number: [version.version_id for version in stored]
            for number, stored in sorted(versions.items())
            if len(stored) != 1 or first_stored(stored) is None
        }
        return cls(missing=list(_gaps(sorted(versions))), changed=changed)

    @property
    def first(self) -> int | None:
        """The lowest damaged number; None when nothing is damaged."""
        return min([*(begin for begin, _ in self.missing), *self.changed], default=None)

    @property
    def count(self) -> int:
        """How many entries are damaged."""
        return sum(end - begin + 1 for begin, end in self.missing) + len(self.changed)

    def without(self, accepted: LogDamage) -> LogDamage:
        """The damage that is not the same as some that was accepted."""
        missing = self.missing
        for hole in accepted.missing:
            missing = [left for found in missing for left in _cut(found, hole)]
        changed = {number: ids for number, ids in self.changed.items() if accepted.changed.get(number) != ids}
        return LogDamage(missing=missing, changed=changed)


def _gaps(numbers: Iterable[int]) -> Iterator[Range]:
    # Not number by number: a forged one may be far beyond the real entries.
    before = 0
    for number in numbers:
        if number > before + 1:
            yield before + 1, number - 1
        before = number


def _cut(found: Range, hole: Range) -> Iterator[Range]:
    """What a hole leaves of a range."""
    for begin, end in ((found[0], min(found[1], hole[0] - 1)), (max(found[0], hole[1] + 1), found[1])):
        if begin <= end:
            yield begin, end
