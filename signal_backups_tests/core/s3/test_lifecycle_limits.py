"""The limits of lifecycle rules in S3, and their canonical form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signal_backups.core.s3.lifecycle import LifecycleRule, Transition
from signal_backups.core.s3.lifecycle_limits import findings

IA, GLACIER = Transition(days=90, storage_class="STANDARD_IA"), Transition(days=365, storage_class="GLACIER")


def rule(**fields: Any) -> LifecycleRule:
    return LifecycleRule(**{"id": "rule", "prefix": "signals/", **fields})


def test_a_good_rule_is_accepted() -> None:
    assert findings([rule(transitions=(IA, GLACIER), expire_days=2555, noncurrent_expire_days=90)]) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "does nothing"),
        ({"id": "i" * 256, "expire_days": 1}, "256 characters"),
        ({"transitions": (Transition(days=29, storage_class="STANDARD_IA"),)}, "before 30 days"),
        ({"transitions": (Transition(days=29, storage_class="ONEZONE_IA"),)}, "before 30 days"),
        ({"transitions": (IA, Transition(days=119, storage_class="GLACIER"))}, "leave STANDARD_IA after 29 days"),
        ({"transitions": (IA, Transition(days=90, storage_class="GLACIER"))}, "move twice"),
        ({"transitions": (Transition(days=1, storage_class="GLACIER"), IA)}, "only to colder"),
        ({"transitions": (Transition(days=1, storage_class="STANDARD"),)}, "not a class to move to"),
        ({"transitions": (Transition(days=-1, storage_class="GLACIER"),)}, "after -1 days"),
        ({"transitions": (GLACIER,), "expire_days": 365}, "not later than their last transition"),
        ({"expire_days": 0}, "at least 1"),
        ({"expire_days": 5, "remove_expired_delete_markers": True}, "expired delete markers"),
        ({"expire_days": 5, "expire_date": datetime(2030, 1, 1, tzinfo=UTC)}, "both after days and at a date"),
        ({"tags": (("a", "b"),), "remove_expired_delete_markers": True}, "tag filter"),
        ({"noncurrent_transitions": (Transition(days=10, storage_class="STANDARD_IA"),)}, "noncurrent versions move"),
        ({"noncurrent_transitions": (GLACIER,), "noncurrent_expire_days": 300}, "noncurrent versions expire"),
        ({"noncurrent_expire_days": 0}, "at least 1"),
        ({"noncurrent_expire_days": 9, "noncurrent_kept": 101}, "1 to 100"),
        ({"noncurrent_kept": 3, "expire_days": 1}, "without days"),
        ({"larger_than": -1, "expire_days": 1}, "between 0 and"),
        ({"larger_than": 100, "smaller_than": 101, "expire_days": 1}, "no size is larger"),
        ({"abort_uploads_days": 0}, "at least 1"),
        ({"abort_uploads_days": 7, "larger_than": 1}, "tag or size filter"),
    ],
)
def test_each_limit_of_s3_is_named(fields: dict[str, Any], words: str) -> None:
    found = findings([rule(**fields)])
    assert any(words in finding for finding in found), found


def test_ids_are_unique_and_rules_limited() -> None:
    assert any("used 2 times" in finding for finding in findings([rule(expire_days=1), rule(expire_days=2)]))
    many = [rule(id=str(number), expire_days=1) for number in range(1001)]
    assert findings(many) == ["1001 rules: S3 takes at most 1000"]
    assert findings(many[:1000]) == []


DAYS = st.integers(1, 5000)
MOVES = st.lists(
    st.builds(Transition, days=DAYS, storage_class=st.sampled_from(["STANDARD_IA", "GLACIER_IR", "GLACIER"])),
    max_size=3,
    unique_by=lambda move: move.days,
).map(lambda found: tuple(sorted(found, key=lambda move: move.days)))
RULES = st.builds(
    LifecycleRule,
    id=st.text("abc /", min_size=1),
    prefix=st.text("abc/"),
    larger_than=st.none() | DAYS,
    smaller_than=st.none() | DAYS,
    tags=st.lists(st.tuples(st.text("ab", min_size=1), st.text("ab")), max_size=2).map(lambda t: tuple(sorted(t))),
    enabled=st.booleans(),
    transitions=MOVES,
    expire_days=st.none() | DAYS,
    remove_expired_delete_markers=st.booleans(),
    noncurrent_transitions=MOVES,
    noncurrent_expire_days=DAYS,
    noncurrent_kept=st.none() | st.integers(1, 100),
    abort_uploads_days=st.none() | DAYS,
)


@given(RULES)
def test_a_rule_survives_the_way_to_s3_and_back(given_rule: LifecycleRule) -> None:
    assert LifecycleRule.from_s3(given_rule.to_s3()) == given_rule


@pytest.mark.parametrize(
    "filtered",
    [
        {"Filter": {"Prefix": "signals/"}},
        {"Prefix": "signals/"},
        {"Filter": {"And": {"Prefix": "signals/"}}},
        {"Prefix": "signals/", "Filter": {}},
    ],
)
def test_a_prefix_is_read_alike_however_a_store_writes_it(filtered: dict[str, Any]) -> None:
    stored = {"ID": "rule", "Status": "Enabled", "Expiration": {"Days": 5}, **filtered}
    assert LifecycleRule.from_s3(stored) == rule(expire_days=5)


def test_the_order_of_transitions_does_not_matter() -> None:
    given_moves = [{"Days": 365, "StorageClass": "GLACIER"}, {"Days": 90, "StorageClass": "STANDARD_IA"}]
    stored = {"ID": "rule", "Status": "Enabled", "Filter": {"Prefix": "signals/"}, "Transitions": given_moves}
    assert LifecycleRule.from_s3(stored) == rule(transitions=(IA, GLACIER))


def test_a_single_tag_is_read_and_written_as_s3_does() -> None:
    stored = {"ID": "r", "Status": "Disabled", "Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 1}}
    assert LifecycleRule.from_s3(stored) == LifecycleRule(id="r", tags=(("a", "b"),), enabled=False, expire_days=1)


@pytest.mark.parametrize(
    ("key", "size", "applies"),
    [("signals/a", 11, True), ("signals/a", 10, False), ("signals/a", 20, False), ("manifests/a", 11, False)],
)
def test_bounds_of_sizes_are_exclusive(key: str, size: int, applies: bool) -> None:
    assert rule(larger_than=10, smaller_than=20, expire_days=1).applies_to(key, size) is applies
    assert not rule(enabled=False, expire_days=1).applies_to("signals/a", 11)
