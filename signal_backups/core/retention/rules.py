"""The lifecycle rules of a profile, for the objects of one layout."""

from __future__ import annotations

from collections.abc import Iterator

from signal_backups.core.retention.profile import KeepRule, Profile, Transitions
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule
from signal_backups.core.s3.lifecycle_limits import findings
from signal_backups.core.vault.layout import Layout

_RULE_ID = "signal-backups"


def lifecycle_of(profile: Profile, layout: Layout) -> Lifecycle:
    """All lifecycle rules that the profile asks for."""
    rules = [
        rule
        for kind, keep in profile.keep
        for prefix in layout.prefixes_of(kind)
        # A log without its oldest entries cannot be examined, so nothing under this prefix expires.
        if prefix != layout.audit_prefix
        for rule in _rules(keep, prefix)
    ]
    return Lifecycle.of([*rules, *_housekeeping(profile, layout)], profile.transition_minimum)


def is_ours(rule_id: str, layout: Layout) -> bool:
    """Whether this software wrote the rule for this layout; all other rules are foreign."""
    return any(rule_id.startswith(f"{_RULE_ID} {prefix} ") for prefix in layout.all_prefixes)


def profile_findings(profile: Profile) -> list[str]:
    """Reasons for which S3 would refuse the profile's rules."""
    return findings(lifecycle_of(profile, Layout()).rules)


def _rules(keep: KeepRule, prefix: str) -> Iterator[LifecycleRule]:
    for_all_sizes = next((each for each in keep.transitions if each.is_for_all_sizes), Transitions())
    yield LifecycleRule(
        id=f"{_RULE_ID} {prefix} keep",
        prefix=prefix,
        transitions=for_all_sizes.current,
        expire_days=keep.expire_days,
        noncurrent_transitions=for_all_sizes.noncurrent,
        noncurrent_expire_days=keep.noncurrent_expire_days,
    )
    for each in keep.transitions:
        if not each.is_for_all_sizes:
            yield LifecycleRule(
                id=f"{_RULE_ID} {prefix} move {_sizes(each)}",
                prefix=prefix,
                larger_than=each.larger_than_bytes,
                smaller_than=each.smaller_than_bytes,
                transitions=each.current,
                noncurrent_transitions=each.noncurrent,
            )


def _sizes(transitions: Transitions) -> str:
    bounds = [("over", transitions.larger_than_bytes), ("under", transitions.smaller_than_bytes)]
    return " ".join(f"{word} {size}" for word, size in bounds if size is not None)


def _housekeeping(profile: Profile, layout: Layout) -> Iterator[LifecycleRule]:
    for prefix in layout.all_prefixes:
        yield LifecycleRule(
            id=f"{_RULE_ID} {prefix} housekeeping",
            prefix=prefix,
            remove_expired_delete_markers=True,
            abort_uploads_days=profile.abort_uploads_days,
        )
