"""The lifecycle rules of a profile, for one backup set of a bucket."""

from __future__ import annotations

from collections.abc import Iterator

from signal_backups.core.retention.profile import KeepRule, Profile, Transitions
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule
from signal_backups.core.s3.lifecycle_limits import findings
from signal_backups.core.vault.layout import Layout

_RULE_ID = "signal-backups"


def lifecycle_of(profile: Profile, layout: Layout) -> Lifecycle:
    """The whole of what the profile asks for, for the objects of a layout."""
    rules = [
        rule
        for kind, keep in profile.keep
        for prefix in layout.prefixes_of(kind)
        # A log that loses its oldest entry is broken, and the trail is small: it never expires.
        if prefix != layout.audit_prefix
        for rule in _rules(keep, prefix)
    ]
    return Lifecycle.of([*rules, *_housekeeping(profile, layout)], profile.transition_minimum)


def is_ours(rule_id: str, layout: Layout) -> bool:
    """Whether a rule was made for this layout: others in the bucket are never touched."""
    return any(rule_id.startswith(f"{_RULE_ID} {prefix} ") for prefix in layout.all_prefixes)


def profile_findings(profile: Profile) -> list[str]:
    """What S3 would refuse of the profile's rules."""
    return findings(lifecycle_of(profile, Layout()).rules)


def _rules(keep: KeepRule, prefix: str) -> Iterator[LifecycleRule]:
    everything = next((moves for moves in keep.moves if moves.is_for_all_sizes), Transitions())
    yield LifecycleRule(
        id=f"{_RULE_ID} {prefix} keep",
        prefix=prefix,
        transitions=everything.current,
        expire_days=keep.expire_days,
        noncurrent_transitions=everything.previous,
        noncurrent_expire_days=keep.previous_expire_days,
    )
    for moves in keep.moves:
        if not moves.is_for_all_sizes:
            yield LifecycleRule(
                id=f"{_RULE_ID} {prefix} move {_sizes(moves)}",
                prefix=prefix,
                larger_than=moves.larger_than_bytes,
                smaller_than=moves.smaller_than_bytes,
                transitions=moves.current,
                noncurrent_transitions=moves.previous,
            )


def _sizes(moves: Transitions) -> str:
    bounds = [("over", moves.larger_than_bytes), ("under", moves.smaller_than_bytes)]
    return " ".join(f"{word} {size}" for word, size in bounds if size is not None)


def _housekeeping(profile: Profile, layout: Layout) -> Iterator[LifecycleRule]:
    for prefix in layout.all_prefixes:
        yield LifecycleRule(
            id=f"{_RULE_ID} {prefix} housekeeping",
            prefix=prefix,
            remove_expired_delete_markers=True,
            abort_uploads_days=profile.abort_uploads_days,
        )
