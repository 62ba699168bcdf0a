"""The lifecycle configuration of a bucket, typed: rules as S3 stores them, in one canonical form.

Two configurations that mean the same are equal here, however a store returns them (order of transitions, a prefix
inside or outside the filter).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

#: From which object size on rules without a size filter act; a setting of the whole configuration.
TransitionMinimum = Literal["all_storage_classes_128K", "varies_by_storage_class"]
DEFAULT_TRANSITION_MINIMUM: TransitionMinimum = "all_storage_classes_128K"


class Transition(BaseModel, frozen=True, extra="forbid"):
    """A transition to another storage class, so many days after creation or after becoming noncurrent."""

    days: int
    storage_class: str


class LifecycleRule(BaseModel, frozen=True):
    """One rule; sizes in bytes, both bounds exclusive as S3 has them; days count from the next UTC midnight."""

    id: str
    prefix: str = ""
    larger_than: int | None = None
    smaller_than: int | None = None
    tags: tuple[tuple[str, str], ...] = ()
    enabled: bool = True
    transitions: tuple[Transition, ...] = ()
    #: Storage classes that objects move to at a date; only rules that we did not write have them.
    classes_by_date: tuple[str, ...] = ()
    expire_days: int | None = None
    expire_date: datetime | None = None
    remove_expired_delete_markers: bool = False
    noncurrent_transitions: tuple[Transition, ...] = ()
    noncurrent_expire_days: int | None = None
    noncurrent_kept: int | None = None
    abort_uploads_days: int | None = None

    @classmethod
    def from_s3(cls, rule: Mapping[str, Any]) -> LifecycleRule:
        """Read a rule as ``GetBucketLifecycleConfiguration`` returns it."""
        chosen = _filter(rule)
        expiration = rule.get("Expiration", {})
        noncurrent = rule.get("NoncurrentVersionExpiration", {})
        return cls(
            id=rule.get("ID", ""),
            prefix=chosen.get("Prefix", rule.get("Prefix", "")) or "",
            larger_than=chosen.get("ObjectSizeGreaterThan"),
            smaller_than=chosen.get("ObjectSizeLessThan"),
            tags=tuple(sorted((tag["Key"], tag["Value"]) for tag in chosen.get("Tags", []))),
            enabled=rule.get("Status") == "Enabled",
            transitions=_transitions(rule.get("Transitions", []), "Days"),
            classes_by_date=tuple(each["StorageClass"] for each in rule.get("Transitions", []) if "Date" in each),
            expire_days=expiration.get("Days"),
            expire_date=expiration.get("Date"),
            remove_expired_delete_markers=expiration.get("ExpiredObjectDeleteMarker", False),
            noncurrent_transitions=_transitions(rule.get("NoncurrentVersionTransitions", []), "NoncurrentDays"),
            noncurrent_expire_days=noncurrent.get("NoncurrentDays"),
            noncurrent_kept=noncurrent.get("NewerNoncurrentVersions"),
            abort_uploads_days=rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        )

    def to_s3(self) -> dict[str, Any]:
        """The rule as ``PutBucketLifecycleConfiguration`` takes it."""
        rule: dict[str, Any] = {
            "ID": self.id,
            "Status": "Enabled" if self.enabled else "Disabled",
            "Filter": self._filter_to_s3(),
        }
        if self.transitions:
            rule["Transitions"] = [{"Days": each.days, "StorageClass": each.storage_class} for each in self.transitions]
        if self.noncurrent_transitions:
            rule["NoncurrentVersionTransitions"] = [
                {"NoncurrentDays": each.days, "StorageClass": each.storage_class}
                for each in self.noncurrent_transitions
            ]
        if expiration := self._expiration_to_s3():
            rule["Expiration"] = expiration
        if self.noncurrent_expire_days is not None:
            rule["NoncurrentVersionExpiration"] = {
                "NoncurrentDays": self.noncurrent_expire_days,
                **({"NewerNoncurrentVersions": self.noncurrent_kept} if self.noncurrent_kept is not None else {}),
            }
        if self.abort_uploads_days is not None:
            rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": self.abort_uploads_days}
        return rule

    def applies_to(self, key: str, size: int) -> bool:
        """Whether the rule acts on an untagged object of that key and size."""
        return (
            self.enabled
            and not self.tags
            and key.startswith(self.prefix)
            and (self.larger_than is None or size > self.larger_than)
            and (self.smaller_than is None or size < self.smaller_than)
        )

    @property
    def deletes(self) -> bool:
        """Whether it removes or hides data."""
        return any(days is not None for days in (self.expire_days, self.expire_date, self.noncurrent_expire_days))

    def _expiration_to_s3(self) -> dict[str, Any]:
        expiration = {
            "Days": self.expire_days,
            "Date": self.expire_date,
            "ExpiredObjectDeleteMarker": self.remove_expired_delete_markers or None,
        }
        return {name: value for name, value in expiration.items() if value is not None}

    def _filter_to_s3(self) -> dict[str, Any]:
        conditions: dict[str, Any] = {"Prefix": self.prefix}
        if self.larger_than is not None:
            conditions["ObjectSizeGreaterThan"] = self.larger_than
        if self.smaller_than is not None:
            conditions["ObjectSizeLessThan"] = self.smaller_than
        if self.tags:
            conditions["Tags"] = [{"Key": key, "Value": value} for key, value in self.tags]
        return conditions if len(conditions) == 1 else {"And": conditions}


class Lifecycle(BaseModel, frozen=True):
    """A whole configuration: rules in order of their ids, and the object size below which they do nothing."""

    rules: tuple[LifecycleRule, ...] = ()
    transition_minimum: TransitionMinimum = DEFAULT_TRANSITION_MINIMUM

    @classmethod
    def of(
        cls, rules: Sequence[LifecycleRule], transition_minimum: TransitionMinimum = DEFAULT_TRANSITION_MINIMUM
    ) -> Lifecycle:
        """The configuration of these rules."""
        return cls(rules=tuple(sorted(rules, key=lambda rule: rule.id)), transition_minimum=transition_minimum)


def _filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    given = rule.get("Filter", {})
    chosen = dict(given.get("And", given))
    if "Tag" in chosen:
        chosen["Tags"] = [chosen.pop("Tag")]
    return chosen


def _transitions(given: Sequence[Mapping[str, Any]], days: str) -> tuple[Transition, ...]:
    found = [Transition(days=each[days], storage_class=each["StorageClass"]) for each in given if days in each]
    return tuple(sorted(found, key=lambda each: each.days))
