"""A profile's lifecycle in fewer days, so that a test can watch it being carried out."""

from __future__ import annotations

from collections.abc import Collection

from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition


def scaled(lifecycle: Lifecycle, step: int) -> Lifecycle:
    """The same rules, the shortest time in them being ``step`` days, the next twice that, and so on.

    What came sooner, later or at the same time still does.
    """
    times = sorted({days for rule in lifecycle.rules for days in _times(rule)})
    short = {days: step * place for place, days in enumerate(times, start=1)}
    return Lifecycle.of([_shortened(rule, short) for rule in lifecycle.rules], lifecycle.transition_minimum)


def only_for(lifecycle: Lifecycle, prefixes: Collection[str]) -> Lifecycle:
    """The rules for some prefixes."""
    return Lifecycle.of([rule for rule in lifecycle.rules if rule.prefix in prefixes], lifecycle.transition_minimum)


def keeping(lifecycle: Lifecycle, prefix: str) -> LifecycleRule:
    """The rule of expiration for a prefix."""
    (rule,) = [rule for rule in lifecycle.rules if rule.prefix == prefix and rule.expire_days is not None]
    return rule


def _times(rule: LifecycleRule) -> list[int]:
    transitions = [transition.days for transition in (*rule.transitions, *rule.noncurrent_transitions)]
    ends = [rule.expire_days, rule.noncurrent_expire_days, rule.abort_uploads_days]
    return transitions + [days for days in ends if days is not None]


def _shortened(rule: LifecycleRule, short: dict[int, int]) -> LifecycleRule:
    def transitions(given: tuple[Transition, ...]) -> tuple[Transition, ...]:
        return tuple(each.model_copy(update={"days": short[each.days]}) for each in given)

    def end(days: int | None) -> int | None:
        return None if days is None else short[days]

    return rule.model_copy(
        update={
            "transitions": transitions(rule.transitions),
            "noncurrent_transitions": transitions(rule.noncurrent_transitions),
            "expire_days": end(rule.expire_days),
            "noncurrent_expire_days": end(rule.noncurrent_expire_days),
            "abort_uploads_days": end(rule.abort_uploads_days),
        }
    )
