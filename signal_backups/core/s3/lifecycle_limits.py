"""The limits of lifecycle rules in S3, checked here because no store checks all of them.

Each finding names the rule that breaks one. Source: the S3 API reference of PutBucketLifecycleConfiguration and the
user guide, "Transitioning objects using Amazon S3 Lifecycle" and "Lifecycle configuration elements".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from signal_backups.core.s3.lifecycle import LifecycleRule, Transition
from signal_backups.core.s3.storage_classes import DAYS_IN_IA_BEFORE_ARCHIVE, STORAGE_CLASSES, colder, storage_class

MAX_RULES = 1000
MAX_ID_LENGTH = 255
MAX_NONCURRENT_KEPT = 100
MAX_OBJECT_BYTES = 5 * 1024**4
_INFREQUENT = {"STANDARD_IA", "ONEZONE_IA"}


def findings(rules: Sequence[LifecycleRule]) -> list[str]:
    """What S3 would refuse, or silently do in another way than written; empty when nothing is wrong."""
    found = [f"rule {rule.id!r}: {finding}" for rule in rules for finding in _of_rule(rule)]
    found += [f"rule id {name!r}: used {count} times" for name, count in _ids(rules).items() if count > 1]
    if len(rules) > MAX_RULES:
        found.append(f"{len(rules)} rules: S3 takes at most {MAX_RULES}")
    return found


def _ids(rules: Sequence[LifecycleRule]) -> Counter[str]:
    return Counter(rule.id for rule in rules)


def _of_rule(rule: LifecycleRule) -> Iterator[str]:
    if len(rule.id) > MAX_ID_LENGTH:
        yield f"its id has {len(rule.id)} characters, S3 takes {MAX_ID_LENGTH}"
    yield from _about_sizes(rule)
    yield from _about_transitions(rule.transitions, rule.expire_days, "current versions")
    yield from _about_transitions(rule.noncurrent_transitions, rule.noncurrent_expire_days, "noncurrent versions")
    yield from _about_expiry(rule)
    yield from _about_uploads(rule)
    if not _acts(rule):
        yield "it does nothing"


def _acts(rule: LifecycleRule) -> bool:
    return bool(
        rule.transitions
        or rule.noncurrent_transitions
        or rule.deletes
        or rule.remove_expired_delete_markers
        or rule.abort_uploads_days is not None
    )


def _about_sizes(rule: LifecycleRule) -> Iterator[str]:
    for size in (rule.larger_than, rule.smaller_than):
        if size is not None and not 0 <= size <= MAX_OBJECT_BYTES:
            yield f"size bound {size} is not between 0 and {MAX_OBJECT_BYTES} bytes"
    if rule.larger_than is not None and rule.smaller_than is not None and rule.smaller_than <= rule.larger_than + 1:
        yield f"no size is larger than {rule.larger_than} and smaller than {rule.smaller_than} bytes"


def _about_transitions(transitions: Sequence[Transition], expire_days: int | None, whose: str) -> Iterator[str]:
    for transition in transitions:
        yield from _about_transition(transition, whose)
    for earlier, later in pairwise(sorted(transitions, key=lambda each: each.days)):
        yield from _about_order(earlier, later, whose)
    last = max((transition.days for transition in transitions), default=None)
    if last is not None and expire_days is not None and expire_days <= last:
        yield f"{whose} expire after {expire_days} days, not later than their last transition after {last} days"


def _about_transition(transition: Transition, whose: str) -> Iterator[str]:
    known = storage_class(transition.storage_class)
    if known is None or known is STORAGE_CLASSES[0]:
        names = ", ".join(each.name for each in STORAGE_CLASSES[1:])
        yield f"{whose} move to {transition.storage_class!r}, which is not a class to move to: {names}"
    elif transition.days < known.minimum_age_days:
        yield (
            f"{whose} move to {known.name} after {transition.days} days: "
            f"S3 moves nothing there before {known.minimum_age_days} days"
        )
    elif transition.days < 0:
        yield f"{whose} move after {transition.days} days"


def _about_order(earlier: Transition, later: Transition, whose: str) -> Iterator[str]:
    if storage_class(earlier.storage_class) is None or storage_class(later.storage_class) is None:
        return
    if earlier.days == later.days:
        yield f"{whose} move twice after {later.days} days"
    if not colder(later.storage_class, earlier.storage_class):
        yield f"{whose} move from {earlier.storage_class} to {later.storage_class}: S3 moves only to colder classes"
    elif earlier.storage_class in _INFREQUENT and later.days - earlier.days < DAYS_IN_IA_BEFORE_ARCHIVE:
        yield (
            f"{whose} leave {earlier.storage_class} after {later.days - earlier.days} days: "
            f"S3 keeps them there at least {DAYS_IN_IA_BEFORE_ARCHIVE}"
        )


def _about_expiry(rule: LifecycleRule) -> Iterator[str]:
    for days in (rule.expire_days, rule.noncurrent_expire_days):
        if days is not None and days < 1:
            yield f"it expires after {days} days: S3 wants at least 1"
    if rule.expire_days is not None and rule.expire_date is not None:
        yield "it expires both after days and at a date"
    if rule.remove_expired_delete_markers and (rule.expire_days is not None or rule.expire_date is not None):
        yield "removing expired delete markers does not go with expiring in the same rule"
    if rule.remove_expired_delete_markers and rule.tags:
        yield "removing expired delete markers does not go with a tag filter"
    if rule.noncurrent_kept is not None and not 1 <= rule.noncurrent_kept <= MAX_NONCURRENT_KEPT:
        yield f"{rule.noncurrent_kept} noncurrent versions kept: S3 takes 1 to {MAX_NONCURRENT_KEPT}"
    if rule.noncurrent_kept is not None and rule.noncurrent_expire_days is None:
        yield "noncurrent versions are kept by number without days after which the others expire"


def _about_uploads(rule: LifecycleRule) -> Iterator[str]:
    if rule.abort_uploads_days is None:
        return
    if rule.abort_uploads_days < 1:
        yield f"unfinished uploads end after {rule.abort_uploads_days} days: S3 wants at least 1"
    if rule.tags or rule.larger_than is not None or rule.smaller_than is not None:
        yield "ending unfinished uploads does not go with a tag or size filter"
