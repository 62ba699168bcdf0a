"""What lifecycle rules do to one object, and when, as S3 documents it; computed without a store.

- Ages are rounded up to the next UTC midnight.
- A current version that expires gets a delete marker on top and is noncurrent; its noncurrent days count from then.
- A version is destroyed only when its noncurrent days are over and no lock holds it.
- Of two transitions due at the same midnight, the one to the colder class happens. A transition comes before an
  expiration, a destruction before a transition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signal_backups.core.base.days import ONE_DAY, next_midnight
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition, TransitionMinimum
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES, TRANSITION_MINIMUM_BYTES, colder, storage_class

_FIRST_CLASS = STORAGE_CLASSES[0].name


@dataclass(frozen=True)
class DatedTransition:
    """A transition to another storage class, at a UTC midnight."""

    at: datetime
    storage_class: str


@dataclass(frozen=True)
class Stay:
    """Days spent in one storage class."""

    storage_class: str
    days: float


@dataclass(frozen=True)
class Timeline:
    """What happens to one version, instants in UTC; None for what never happens.

    Attributes:
        stored_at: when it was stored.
        transitions: in order; only ever to colder classes.
        hidden_at: when it stops being the current version; its bytes stay.
        destroyed_at: when its bytes are gone.
    """

    stored_at: datetime
    transitions: tuple[DatedTransition, ...]
    hidden_at: datetime | None
    destroyed_at: datetime | None

    def class_at(self, instant: datetime) -> str:
        """The storage class it is in at an instant."""
        return next(
            (transition.storage_class for transition in reversed(self.transitions) if transition.at <= instant),
            _FIRST_CLASS,
        )

    def stays(self, until: datetime) -> list[Stay]:
        """The days it spends in each class, up to an instant or its destruction, whichever comes first."""
        end = until if self.destroyed_at is None else min(until, self.destroyed_at)
        entered = [
            DatedTransition(self.stored_at, _FIRST_CLASS),
            *(transition for transition in self.transitions if transition.at < end),
        ]
        left = [*(transition.at for transition in entered[1:]), end]
        return [
            Stay(transition.storage_class, (leaving - transition.at) / ONE_DAY)
            for transition, leaving in zip(entered, left, strict=True)
        ]


@dataclass(frozen=True)
class ObjectRules:
    """What a configuration asks for one object.

    Attributes:
        transitions: those of the current version.
        blocked: transitions of the current version that S3 never makes, because it is too small.
        expire_days: age at which it is hidden.
        expire_date: date on which it is hidden.
        noncurrent_transitions: transitions once it is noncurrent.
        noncurrent_expire_days: noncurrent days after which it is destroyed.
    """

    transitions: tuple[Transition, ...] = ()
    blocked: tuple[Transition, ...] = ()
    expire_days: int | None = None
    expire_date: datetime | None = None
    noncurrent_transitions: tuple[Transition, ...] = ()
    noncurrent_expire_days: int | None = None

    def timeline(
        self, stored_at: datetime, *, superseded_at: datetime | None = None, lock_until: datetime | None = None
    ) -> Timeline:
        """The timeline of a version.

        Args:
            stored_at: when it was stored, UTC.
            superseded_at: when it is overwritten or hidden by somebody's delete; None for never.
            lock_until: end of its Object Lock; None for no lock.
        """
        transitions = _to_colder_classes(_FIRST_CLASS, _due(self.transitions, stored_at))
        hidden_at = _earliest([self._expires_at(stored_at, transitions), superseded_at])
        if hidden_at is None:
            return Timeline(stored_at, transitions, None, None)
        transitions = tuple(transition for transition in transitions if transition.at < hidden_at)
        reached = transitions[-1].storage_class if transitions else _FIRST_CLASS
        destroyed_at = self._destroyed_at(hidden_at, lock_until)
        later = _to_colder_classes(reached, _due(self.noncurrent_transitions, hidden_at))
        kept = tuple(transition for transition in later if destroyed_at is None or transition.at < destroyed_at)
        return Timeline(stored_at, transitions + kept, hidden_at, destroyed_at)

    def _expires_at(self, stored_at: datetime, transitions: Sequence[DatedTransition]) -> datetime | None:
        by_age = None if self.expire_days is None else _days_after(stored_at, self.expire_days)
        by_date = None if self.expire_date is None else max(next_midnight(self.expire_date), next_midnight(stored_at))
        found = _earliest([by_age, by_date])
        # Only one thing happens to a version at a midnight, and a transition comes first.
        while found in {transition.at for transition in transitions} and found is not None:
            found += ONE_DAY
        return found

    def _destroyed_at(self, hidden_at: datetime, lock_until: datetime | None) -> datetime | None:
        if self.noncurrent_expire_days is None:
            return None
        due = _days_after(hidden_at, self.noncurrent_expire_days)
        return due if lock_until is None else max(due, next_midnight(lock_until))


def rules_for(lifecycle: Lifecycle, key: str, size: int) -> ObjectRules:
    """What a configuration asks for an untagged object of that key and size (bytes).

    A rule that keeps a number of noncurrent versions destroys nothing here: the newest of them is always kept.
    """
    rules = [rule for rule in lifecycle.rules if rule.applies_to(key, size)]
    current = [(rule, transition) for rule in rules for transition in rule.transitions]
    noncurrent = [(rule, transition) for rule in rules for transition in rule.noncurrent_transitions]
    minimum = lifecycle.transition_minimum
    return ObjectRules(
        transitions=tuple(transition for rule, transition in current if _happens(rule, transition, size, minimum)),
        blocked=tuple(transition for rule, transition in current if not _happens(rule, transition, size, minimum)),
        expire_days=min((rule.expire_days for rule in rules if rule.expire_days is not None), default=None),
        expire_date=_earliest(rule.expire_date for rule in rules),
        noncurrent_transitions=tuple(
            transition for rule, transition in noncurrent if _happens(rule, transition, size, minimum)
        ),
        noncurrent_expire_days=min(
            (
                rule.noncurrent_expire_days
                for rule in rules
                if rule.noncurrent_expire_days is not None and rule.noncurrent_kept is None
            ),
            default=None,
        ),
    )


def _happens(rule: LifecycleRule, transition: Transition, size: int, minimum: TransitionMinimum) -> bool:
    if size >= TRANSITION_MINIMUM_BYTES or rule.larger_than is not None or rule.smaller_than is not None:
        return True
    known = storage_class(transition.storage_class)
    return minimum == "varies_by_storage_class" and known is not None and known.takes_small


def _due(transitions: Sequence[Transition], since: datetime) -> list[DatedTransition]:
    return [
        DatedTransition(_days_after(since, transition.days), transition.storage_class) for transition in transitions
    ]


def _to_colder_classes(reached: str, due: list[DatedTransition]) -> tuple[DatedTransition, ...]:
    """The transitions that happen: only ever to a colder class than the one reached by then."""
    happening: list[DatedTransition] = []
    for transition in sorted((each for each in due if storage_class(each.storage_class)), key=lambda each: each.at):
        if not colder(transition.storage_class, reached):
            continue
        if happening and happening[-1].at == transition.at:
            happening.pop()
        happening.append(transition)
        reached = transition.storage_class
    return tuple(happening)


def _days_after(since: datetime, days: int) -> datetime:
    return next_midnight(since + timedelta(days=days))


def _earliest(instants: Iterable[datetime | None]) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)
