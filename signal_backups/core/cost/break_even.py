"""The object size from which on transitions to colder storage classes cost less than STANDARD."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from signal_backups.core.cost.billing import spend
from signal_backups.core.retention.profile import Profile, Transitions
from signal_backups.core.s3.lifecycle import Transition
from signal_backups.core.s3.lifecycle_timeline import Stay
from signal_backups.core.s3.prices import Prices, load_prices
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES, StorageClass, storage_class

_LARGEST_TRIED = 1024**3
_STANDARD = STORAGE_CLASSES[0].name
KIB = 1024


def stays_of(transitions: Sequence[Transition], days: int) -> list[Stay]:
    """The stays of an object that is kept for some days and makes all of the transitions."""
    by_age = sorted(transitions, key=lambda transition: transition.days)
    entered = [Transition(days=0, storage_class=_STANDARD), *by_age]
    leaving = Transition(days=days, storage_class="")
    return [Stay(one.storage_class, other.days - one.days) for one, other in pairwise([*entered, leaving])]


def break_even_bytes(transitions: Sequence[Transition], days: int, prices: Prices) -> int | None:
    """The smallest size for which the transitions cost less than STANDARD over the days; None if there is none."""
    moving, staying = stays_of(transitions, days), [Stay(_STANDARD, days)]

    def is_cheaper(size: int) -> bool:
        return spend(size, moving, prices).usd < spend(size, staying, prices).usd

    if not is_cheaper(_LARGEST_TRIED):
        return None
    low, high = 0, _LARGEST_TRIED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_cheaper(middle) else (middle, high)
    return high


def break_even_note(profile: Profile) -> str:
    """One sentence: the size from which on a profile's transitions of backups cost less than STANDARD, and why."""
    prices, keep = load_prices(), profile.keep.backups
    found = [
        (size, each.current)
        for each in keep.transitions
        if each.current and (size := _cheaper_from(each, keep.expire_days, prices)) is not None
    ]
    if not found:
        return f"Profile {profile.name} has no transition of backups that is cheaper than {_STANDARD}."
    size, transitions = min(found, key=lambda each: each[0])
    names = [transition.storage_class for transition in transitions]
    return (
        f"Transitions of profile {profile.name} are cheaper than {_STANDARD} for backups of {size / KIB:.1f} KB or "
        f"more: {_reasons(names)}."
    )


def _cheaper_from(transitions: Transitions, days: int, prices: Prices) -> int | None:
    size = break_even_bytes(transitions.current, days, prices)
    if size is None:
        return None
    first = max(size, 0 if transitions.larger_than_bytes is None else transitions.larger_than_bytes + 1)
    return first if transitions.smaller_than_bytes is None or first < transitions.smaller_than_bytes else None


def _reasons(names: Sequence[str]) -> str:
    classes = [known for name in names if (known := storage_class(name))]
    return "; ".join([*filter(None, map(_reason, classes)), "each transition is a paid request"])


def _reason(of: StorageClass) -> str:
    if of.minimum_billed_bytes:
        return f"{of.name} bills at least {of.minimum_billed_bytes // KIB} KB an object"
    overhead = of.overhead_bytes + of.standard_overhead_bytes
    return f"{of.name} adds {overhead // KIB} KB to each" if overhead else ""
