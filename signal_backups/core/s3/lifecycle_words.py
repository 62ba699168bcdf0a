"""Lifecycle rules in words, for people who read a diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signal_backups.core.s3.lifecycle import LifecycleRule, Transition


def rule_in_words(rule: LifecycleRule) -> str:
    """One line: what the rule applies to, and what it does when."""
    doing = "; ".join(_actions(rule)) or "nothing that is known here"
    return f"{_objects(rule)}: {doing}{'' if rule.enabled else ' (disabled)'}"


def _objects(rule: LifecycleRule) -> str:
    sizes = [
        f"{word} {size:,} bytes"
        for word, size in (("over", rule.larger_than), ("under", rule.smaller_than))
        if size is not None
    ]
    tags = [f"tagged {key}={value}" for key, value in rule.tags]
    return " ".join([f"{rule.prefix}*", *sizes, *tags])


def _actions(rule: LifecycleRule) -> Iterator[str]:
    yield from _transitions(rule.transitions, "")
    for name in rule.classes_by_date:
        yield f"to {name} at a date"
    if rule.expire_days is not None:
        yield f"expire after {rule.expire_days} days"
    if rule.expire_date is not None:
        yield f"expire on {rule.expire_date:%Y-%m-%d}"
    yield from _transitions(rule.noncurrent_transitions, "noncurrent versions ")
    if rule.noncurrent_expire_days is not None:
        kept = f", the {rule.noncurrent_kept} newest kept" if rule.noncurrent_kept else ""
        yield f"noncurrent versions deleted after {rule.noncurrent_expire_days} days{kept}"
    if rule.remove_expired_delete_markers:
        yield "expired delete markers removed"
    if rule.abort_uploads_days is not None:
        yield f"unfinished uploads removed after {rule.abort_uploads_days} days"


def _transitions(transitions: Sequence[Transition], whose: str) -> Iterator[str]:
    for transition in transitions:
        yield f"{whose}to {transition.storage_class} after {transition.days} days"
