"""From the lifecycle a bucket has to the one it should have: what differs, what is foreign, what is deleted sooner.

Pure: everything here compares; ``setup`` reads and writes. Foreign rules are kept as they are, word for word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signal_backups.core.retention.rules import is_ours
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule
from signal_backups.core.s3.lifecycle_words import rule_in_words
from signal_backups.core.vault.layout import Layout

_NEVER = 10**9
WITHOUT_MOVES = "moves to other storage classes"


@dataclass(frozen=True)
class Reduction:
    """A lifecycle that asks for less, for stores that cannot do the whole; ``without`` names what is left out."""

    lifecycle: Lifecycle
    without: str | None = None


def reductions(wanted: Lifecycle) -> list[Reduction]:
    """The wanted lifecycle, and what to fall back to one after the other; what is left out deletes nothing sooner."""
    no_sizes = [rule for rule in wanted.rules if rule.larger_than is None and rule.smaller_than is None]
    no_moves = [rule.model_copy(update={"transitions": (), "noncurrent_transitions": ()}) for rule in no_sizes]
    return [
        Reduction(wanted),
        Reduction(Lifecycle.of(no_sizes, wanted.transition_minimum), "rules by object size"),
        Reduction(Lifecycle.of(no_moves, wanted.transition_minimum), WITHOUT_MOVES),
    ]


def own_rules(stored: StoredLifecycle, layout: Layout) -> Lifecycle:
    """Our rules in a stored configuration."""
    ours = [LifecycleRule.from_s3(rule) for rule in stored.rules if is_ours(rule.get("ID", ""), layout)]
    minimum = stored.transition_minimum
    return Lifecycle.of(ours, minimum) if minimum else Lifecycle.of(ours)


def foreign_rules(stored: StoredLifecycle, layout: Layout) -> list[Mapping[str, Any]]:
    """The rules that others put there, in S3's own form."""
    return [rule for rule in stored.rules if not is_ours(rule.get("ID", ""), layout)]


def merged(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> StoredLifecycle:
    """The configuration to write: foreign rules as they are, ours as wanted."""
    rules = [*foreign_rules(stored, layout), *(rule.to_s3() for rule in wanted.rules)]
    return StoredLifecycle(rules, wanted.transition_minimum)


def is_same(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> bool:
    """Whether our part of a stored configuration is the wanted one; a minimum the store does not tell passes."""
    same_minimum = stored.transition_minimum in (None, wanted.transition_minimum)
    return same_minimum and own_rules(stored, layout).rules == wanted.rules


def difference(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """What would change, as ``-`` and ``+`` lines; empty when nothing."""
    now = {rule.id: rule_in_words(rule) for rule in own_rules(stored, layout).rules}
    then = {rule.id: rule_in_words(rule) for rule in wanted.rules}
    lines = []
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name):
            lines += [f"- {now[name]}"] if name in now else []
            lines += [f"+ {then[name]}"] if name in then else []
    if stored.transition_minimum not in (None, wanted.transition_minimum):
        lines += [
            f"- smallest objects moved: {stored.transition_minimum}",
            f"+ smallest objects moved: {wanted.transition_minimum} (counts for foreign rules too)",
        ]
    return lines


def deleted_sooner(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """Which objects the wanted lifecycle deletes sooner than the present one, a sentence each."""
    present = own_rules(stored, layout).rules
    sentences = []
    for prefix in layout.all_prefixes:
        for whose, field in (("current", "expire_days"), ("noncurrent", "noncurrent_expire_days")):
            certain = [rule for rule in present if _covers(rule, prefix)]
            before, after = _shortest(certain, prefix, field), _shortest(wanted.rules, prefix, field)
            if after < before:
                kept = "for ever" if before == _NEVER else f"{before} days"
                sentences.append(f"{whose} versions of {prefix}* are kept {after} days instead of {kept}")
    return sentences


def threats(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """Foreign rules that delete or move our objects against the wanted lifecycle, a sentence each."""
    return [
        f"foreign rule {rule.id!r} reaches {prefix}*: {reason}"
        for rule in (LifecycleRule.from_s3(raw) for raw in foreign_rules(stored, layout))
        for prefix in layout.all_prefixes
        if rule.enabled and _overlap(rule.prefix, prefix)
        for reason in _against(rule, wanted.rules, prefix)
    ]


def _against(rule: LifecycleRule, wanted: Sequence[LifecycleRule], prefix: str) -> Iterator[str]:
    if rule.expire_date is not None:
        yield f"it deletes on {rule.expire_date:%Y-%m-%d}"
    for whose, field in (("current", "expire_days"), ("noncurrent", "noncurrent_expire_days")):
        theirs, ours = getattr(rule, field), _shortest(wanted, prefix, field)
        if theirs is not None and theirs < ours:
            yield f"it deletes {whose} versions after {theirs} days, ours after {ours}"
    for name in rule.classes_by_date:
        yield f"it moves objects to {name} at a date"
    for move in (*rule.transitions, *rule.noncurrent_transitions):
        yield f"it moves objects to {move.storage_class} after {move.days} days"


def _covers(rule: LifecycleRule, prefix: str) -> bool:
    """Whether a rule reaches everything under a prefix; what it spares is kept for ever as it is."""
    sizes = (rule.larger_than, rule.smaller_than)
    return prefix.startswith(rule.prefix) and sizes == (None, None) and not rule.tags and rule.noncurrent_kept is None


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _shortest(rules: Sequence[LifecycleRule], prefix: str, field: str) -> int:
    days = [getattr(rule, field) for rule in rules if rule.enabled and _overlap(rule.prefix, prefix)]
    return min((each for each in days if each is not None), default=_NEVER)
