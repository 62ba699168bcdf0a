"""What a listing shows of a damaged log, and what is left of it once some was accepted."""

from __future__ import annotations

from datetime import UTC, datetime

from signal_backups.core.ledger.damage import LogDamage
from signal_backups.core.s3.object_version import ObjectVersion

AT = datetime(2026, 11, 1, tzinfo=UTC)


def version(name: str, *, is_delete_marker: bool = False) -> ObjectVersion:
    return ObjectVersion(f"key-{name}", name, 1, AT, f"etag-{name}", is_delete_marker=is_delete_marker)


def listed(*numbers: int, **changed: list[ObjectVersion]) -> LogDamage:
    intact = {number: [version(str(number))] for number in numbers}
    return LogDamage.of(intact | {int(name[1:]): versions for name, versions in changed.items()})


def test_a_log_without_a_gap_is_whole() -> None:
    assert (listed().count, listed().first) == (0, None)
    assert (listed(1, 2, 3).count, listed(1, 2, 3).first) == (0, None)


def test_missing_hidden_and_overwritten_entries_are_counted() -> None:
    hidden = [version("marker", is_delete_marker=True), version("5")]
    found = listed(2, 6, _5=hidden, _7=[version("new"), version("7")])
    assert (found.missing, found.changed) == ([(1, 1), (3, 4)], {5: ["marker", "5"], 7: ["new", "7"]})
    assert (found.first, found.count) == (1, 5)


def test_a_forged_number_far_beyond_the_log_is_one_range() -> None:
    found = listed(1, 5_000_000_000)
    assert (found.missing, found.count) == ([(2, 4_999_999_999)], 4_999_999_998)


def test_what_was_accepted_is_left_out_as_long_as_it_is_the_same() -> None:
    accepted = listed(1, 5, 6, _7=[version("new"), version("7")])
    assert listed(1, 5, 6, _7=[version("new"), version("7")]).without(accepted).count == 0
    # More is missing, something lies where nothing was, and another version is on top.
    now = listed(1, 4, 6, _7=[version("newer"), version("new"), version("7")]).without(accepted)
    assert (now.missing, list(now.changed)) == ([(5, 5)], [7])
    assert listed(1, 5, 7).without(listed(5, 7)).missing == []
    assert listed(9).without(listed(3, 5, 9)).missing == [(3, 3), (5, 5)]
