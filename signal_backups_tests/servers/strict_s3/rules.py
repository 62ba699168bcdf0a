"""Lifecycle rules: their actions, and the versions they apply to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signal_backups_tests.servers.strict_s3.clock import round_up_to_midnight

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signal_backups_tests.servers.strict_s3.state import Version

#: From the warmest class to the coldest; transitions go down this list.
WATERFALL = (
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
MINIMUM_BYTES = 128 * 1024


@dataclass(frozen=True)
class When:
    """After so many days, or on a date; never both."""

    days: int | None
    date: datetime | None = None

    def due(self, since: datetime) -> datetime:
        """The midnight (UTC) from which on it is time, for what began ``since``."""
        if self.days is None:
            assert self.date is not None
            return self.date
        return round_up_to_midnight(since + timedelta(days=self.days))


@dataclass(frozen=True)
class Transition:
    """A transition; ``keep`` newer noncurrent versions must be there as well."""

    when: When
    storage_class: str
    keep: int = 0


@dataclass(frozen=True)
class Filter:
    """The objects a rule applies to."""

    prefix: str
    tags: Mapping[str, str]
    larger_than: int | None
    smaller_than: int | None

    @property
    def by_size(self) -> bool:
        """Whether it names a size, which then overrides S3's default minimum."""
        return self.larger_than is not None or self.smaller_than is not None

    def matches(self, version: Version) -> bool:
        """Whether it includes a version; a delete marker has neither tags nor a size."""
        if version.is_marker and self.by_size:
            return False
        return (
            version.key.startswith(self.prefix)
            and self.tags.items() <= version.tags.items()
            and (self.larger_than is None or version.size > self.larger_than)
            and (self.smaller_than is None or version.size < self.smaller_than)
        )


@dataclass(frozen=True)
class Rule:
    """One rule of a bucket's lifecycle."""

    id: str
    enabled: bool
    filter: Filter
    expiration: When | None
    expired_delete_markers: bool
    transitions: tuple[Transition, ...]
    noncurrent_transitions: tuple[Transition, ...]
    noncurrent_expiration: When | None
    noncurrent_kept: int

    def may_transition(self, version: Version, to: str, minimum_size: str) -> bool:
        """Whether a version is far enough up and large enough to go to a class."""
        if version.is_marker or WATERFALL.index(to) <= WATERFALL.index(version.storage_class):
            return False
        archive_takes_small = minimum_size == "varies_by_storage_class" and to in {"GLACIER", "DEEP_ARCHIVE"}
        return self.filter.by_size or archive_takes_small or version.size >= MINIMUM_BYTES


def filter_of(raw: Mapping[str, Any]) -> Filter:
    """The filter of a rule, in whichever of S3's ways it was written."""
    written = raw.get("Filter", {})
    combined = {**written, **written.get("And", {})}
    tags = [*combined.get("Tags", []), *([combined["Tag"]] if "Tag" in combined else [])]
    return Filter(
        prefix=combined.get("Prefix", raw.get("Prefix", "")),
        tags={tag["Key"]: tag["Value"] for tag in tags},
        larger_than=combined.get("ObjectSizeGreaterThan"),
        smaller_than=combined.get("ObjectSizeLessThan"),
    )


def rule_of(raw: Mapping[str, Any]) -> Rule:
    """A rule from what boto3 sent; it has been validated."""
    expiration = raw.get("Expiration", {})
    noncurrent = raw.get("NoncurrentVersionExpiration", {})
    return Rule(
        id=raw["ID"],
        enabled=raw["Status"] == "Enabled",
        filter=filter_of(raw),
        expiration=_when(expiration) if {"Days", "Date"} & set(expiration) else None,
        expired_delete_markers=expiration.get("ExpiredObjectDeleteMarker", False),
        transitions=tuple(Transition(_when(each), each["StorageClass"]) for each in raw.get("Transitions", [])),
        noncurrent_transitions=tuple(
            Transition(When(each["NoncurrentDays"]), each["StorageClass"], each.get("NewerNoncurrentVersions", 0))
            for each in raw.get("NoncurrentVersionTransitions", [])
        ),
        noncurrent_expiration=When(noncurrent["NoncurrentDays"]) if noncurrent else None,
        noncurrent_kept=noncurrent.get("NewerNoncurrentVersions", 0),
    )


def _when(raw: Mapping[str, Any]) -> When:
    date = raw.get("Date")
    return When(raw.get("Days"), date.astimezone(UTC) if date else None)
