"""Compares the lifecycle of a bucket with the wanted one: differences, foreign rules, what would be deleted sooner.

Nothing here reads or writes S3. Foreign rules are kept unchanged.
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
NO_TRANSITIONS = "transitions to other storage classes"


@dataclass(frozen=True)
class Reduction:
    """A reduced lifecycle for stores that lack a feature; ``without`` names what is left out, None for nothing."""

    lifecycle: Lifecycle
    without: str | None = None


def reductions(wanted: Lifecycle) -> list[Reduction]:
    """The wanted lifecycle and its fallbacks, in the order to try; no fallback deletes anything sooner."""
    no_sizes = [rule for rule in wanted.rules if rule.larger_than is None and rule.smaller_than is None]
    no_transitions = [rule.model_copy(update={"transitions": (), "noncurrent_transitions": ()}) for rule in no_sizes]
    return [
        Reduction(wanted),
        Reduction(Lifecycle.of(no_sizes, wanted.transition_minimum), "rules by object size"),
        Reduction(Lifecycle.of(no_transitions, wanted.transition_minimum), NO_TRANSITIONS),
    ]


def own_rules(stored: StoredLifecycle, layout: Layout) -> Lifecycle:
    """The rules of this layout in a stored configuration."""
    ours = [LifecycleRule.from_s3(rule) for rule in stored.rules if is_ours(rule.get("ID", ""), layout)]
    minimum = stored.transition_minimum
    return Lifecycle.of(ours, minimum) if minimum else Lifecycle.of(ours)


def foreign_rules(stored: StoredLifecycle, layout: Layout) -> list[Mapping[str, Any]]:
    """The rules that this software did not write for this layout, in S3's own form."""
    return [rule for rule in stored.rules if not is_ours(rule.get("ID", ""), layout)]


def merged(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> StoredLifecycle:
    """The configuration to write: the foreign rules unchanged, and the wanted rules."""
    rules = [*foreign_rules(stored, layout), *(rule.to_s3() for rule in wanted.rules)]
    return StoredLifecycle(rules, wanted.transition_minimum)


def is_same(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> bool:
    """Whether our stored rules are the wanted ones; a minimum size that the store does not report is not compared."""
    same_minimum = stored.transition_minimum in (None, wanted.transition_minimum)
    return same_minimum and own_rules(stored, layout).rules == wanted.rules


def difference(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """What would change, as ``-`` and ``+`` lines."""
    present = {rule.id: rule_in_words(rule) for rule in own_rules(stored, layout).rules}
    wanted_rules = {rule.id: rule_in_words(rule) for rule in wanted.rules}
    lines = []
    for name in sorted({*present, *wanted_rules}):
        if present.get(name) != wanted_rules.get(name):
            lines += [f"- {present[name]}"] if name in present else []
            lines += [f"+ {wanted_rules[name]}"] if name in wanted_rules else []
    if stored.transition_minimum not in (None, wanted.transition_minimum):
        lines += [
            f"- smallest objects that transition: {stored.transition_minimum}",
            f"+ smallest objects that transition: {wanted.transition_minimum} (foreign rules too)",
        ]
    return lines


def deleted_sooner(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """One sentence for each group of versions that the wanted lifecycle deletes sooner than the present one."""
    present = own_rules(stored, layout).rules
    sentences = []
    for prefix in layout.all_prefixes:
        for whose, field in (("current", "expire_days"), ("noncurrent", "noncurrent_expire_days")):
            covering = [rule for rule in present if _covers(rule, prefix)]
            before, after = _shortest(covering, prefix, field), _shortest(wanted.rules, prefix, field)
            if after < before:
                kept = "for ever" if before == _NEVER else f"{before} days"
                sentences.append(f"{whose} versions of {prefix}* are kept {after} days instead of {kept}")
    return sentences


def threats(stored: StoredLifecycle, wanted: Lifecycle, layout: Layout) -> list[str]:
    """One sentence for each foreign rule that deletes our objects too early or changes their storage class."""
    return [
        f"foreign rule {rule.id!r} applies to {prefix}*: {reason}"
        for rule in (LifecycleRule.from_s3(raw) for raw in foreign_rules(stored, layout))
        for prefix in layout.all_prefixes
        if rule.enabled and _overlap(rule.prefix, prefix)
        for reason in _conflicts(rule, wanted.rules, prefix)
    ]


def _conflicts(rule: LifecycleRule, wanted: Sequence[LifecycleRule], prefix: str) -> Iterator[str]:
    if rule.expire_date is not None:
        yield f"it deletes on {rule.expire_date:%Y-%m-%d}"
    for whose, field in (("current", "expire_days"), ("noncurrent", "noncurrent_expire_days")):
        theirs, ours = getattr(rule, field), _shortest(wanted, prefix, field)
        if theirs is not None and theirs < ours:
            yield f"it deletes {whose} versions after {theirs} days, ours after {ours}"
    for name in rule.classes_by_date:
        yield f"it transitions objects to {name} at a date"
    for transition in (*rule.transitions, *rule.noncurrent_transitions):
        yield f"it transitions objects to {transition.storage_class} after {transition.days} days"


def _covers(rule: LifecycleRule, prefix: str) -> bool:
    """Whether a rule applies to every version under a prefix; versions without a rule are kept for ever."""
    sizes = (rule.larger_than, rule.smaller_than)
    return prefix.startswith(rule.prefix) and sizes == (None, None) and not rule.tags and rule.noncurrent_kept is None


def _overlap(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _shortest(rules: Sequence[LifecycleRule], prefix: str, field: str) -> int:
    days = [getattr(rule, field) for rule in rules if rule.enabled and _overlap(rule.prefix, prefix)]
    return min((each for each in days if each is not None), default=_NEVER)
