"""From which object size on moving to colder classes is cheaper than staying in STANDARD."""

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


def stays_of(moves: Sequence[Transition], days: int) -> list[Stay]:
    """The stays of an object that is kept for so many days and moves when rules say, none of it blocked."""
    entered = [Transition(days=0, storage_class=_STANDARD), *sorted(moves, key=lambda move: move.days)]
    leaving = Transition(days=days, storage_class="")
    return [Stay(one.storage_class, other.days - one.days) for one, other in pairwise([*entered, leaving])]


def break_even_bytes(moves: Sequence[Transition], days: int, prices: Prices) -> int | None:
    """The smallest size whose moves cost less than staying in STANDARD for all the days; None when none does."""
    moving, staying = stays_of(moves, days), [Stay(_STANDARD, days)]

    def is_cheaper(size: int) -> bool:
        return spend(size, moving, prices).usd < spend(size, staying, prices).usd

    if not is_cheaper(_LARGEST_TRIED):
        return None
    low, high = 0, _LARGEST_TRIED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_cheaper(middle) else (middle, high)
    return high


def cheaper_note(profile: Profile, prices: Prices | None = None) -> str:
    """One sentence: from which size of a backup on the profile's moves are cheaper than STANDARD, and why."""
    known = prices or load_prices()
    keep = profile.keep.backups
    found = [
        (size, moves)
        for moves in keep.transitions
        if moves.current and (size := _cheaper_from(moves, keep.expire_days, known)) is not None
    ]
    if not found:
        return f"Profile {profile.name} moves no backup to a storage class that is cheaper than {_STANDARD}."
    size, moves = min(found, key=lambda each: each[0])
    names = [move.storage_class for move in moves.current]
    return (
        f"Moves of profile {profile.name} are cheaper than {_STANDARD} for backups of {size / KIB:.1f} KB or more: "
        f"{_reasons(names)}."
    )


def _cheaper_from(moves: Transitions, days: int, prices: Prices) -> int | None:
    size = break_even_bytes(moves.current, days, prices)
    if size is None:
        return None
    first = max(size, 0 if moves.larger_than_bytes is None else moves.larger_than_bytes + 1)
    return first if moves.smaller_than_bytes is None or first < moves.smaller_than_bytes else None


def _reasons(names: Sequence[str]) -> str:
    classes = [known for name in names if (known := storage_class(name))]
    return "; ".join([*filter(None, map(_reason, classes)), "each move is a paid request"])


def _reason(of: StorageClass) -> str:
    if of.minimum_billed_bytes:
        return f"{of.name} bills at least {of.minimum_billed_bytes // KIB} KB an object"
    overhead = of.overhead_bytes + of.standard_overhead_bytes
    return f"{of.name} adds {overhead // KIB} KB to each" if overhead else ""
