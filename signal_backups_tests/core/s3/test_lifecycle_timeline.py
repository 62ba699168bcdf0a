"""What lifecycle rules do to one object: S3's documented cases, properties, and the strict fake as a second opinion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signal_backups.core.base.days import next_midnight
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.rules import lifecycle_of
from signal_backups.core.s3.lifecycle import Lifecycle, LifecycleRule, Transition, TransitionMinimum
from signal_backups.core.s3.lifecycle_timeline import DatedTransition, ObjectRules, Stay, Timeline, rules_for
from signal_backups.core.s3.storage_classes import STORAGE_CLASSES, TRANSITION_MINIMUM_BYTES, colder
from signal_backups.core.vault.layout import Layout
from signal_backups_tests.servers.strict_s3 import SimulatedClock, StrictS3

STORED = datetime(2026, 1, 1, 2, tzinfo=UTC)
KEY = "signals/2025/12/signals_backup_20251231_020000.csv"
LARGE, SMALL = 1024**2, 20 * 1024
DAY = timedelta(days=1)


def midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def transitions(*pairs: tuple[int, str]) -> tuple[Transition, ...]:
    return tuple(Transition(days=days, storage_class=name) for days, name in pairs)


def of_profile(name: str, size: int) -> ObjectRules:
    return rules_for(lifecycle_of(load_profile(name), Layout()), KEY, size)


def test_the_documented_policy_hides_26_hours_early_and_destroys_90_days_later() -> None:
    line = of_profile("documented", LARGE).timeline(STORED)
    assert line.transitions == (
        DatedTransition(midnight(2026, 4, 2), "STANDARD_IA"),
        DatedTransition(midnight(2027, 1, 2), "GLACIER"),
    )
    # Seven years end on 2033-01-01 at 02:00: 26 hours after this.
    assert line.hidden_at == midnight(2032, 12, 31)
    assert line.destroyed_at == midnight(2033, 3, 31)


def test_an_age_that_is_reached_at_a_midnight_is_not_rounded_up() -> None:
    assert ObjectRules(expire_days=1).timeline(midnight(2026, 1, 1)).hidden_at == midnight(2026, 1, 2)
    assert ObjectRules(expire_days=1).timeline(STORED).hidden_at == midnight(2026, 1, 3)


def test_noncurrent_days_count_from_when_the_version_was_replaced() -> None:
    hit = STORED + 10 * DAY
    line = of_profile("documented", LARGE).timeline(STORED, superseded_at=hit)
    assert (line.hidden_at, line.destroyed_at) == (hit, midnight(2026, 4, 12))
    assert line.transitions == (DatedTransition(midnight(2026, 2, 11), "GLACIER"),)


def test_an_incident_after_the_expiry_changes_nothing() -> None:
    rules = of_profile("documented", LARGE)
    assert rules.timeline(STORED, superseded_at=STORED + 3000 * DAY) == rules.timeline(STORED)


@pytest.mark.parametrize("held_until", [STORED + 2557 * DAY, midnight(2033, 1, 2)])
def test_a_lock_puts_the_destruction_off_to_the_first_midnight_after_it(held_until: datetime) -> None:
    line = of_profile("documented", LARGE).timeline(STORED, superseded_at=STORED + DAY, lock_until=held_until)
    assert line.destroyed_at == midnight(2033, 1, 2)


def test_a_lock_that_has_ended_puts_nothing_off() -> None:
    rules = of_profile("documented", LARGE)
    assert rules.timeline(STORED, lock_until=STORED + DAY) == rules.timeline(STORED)


@pytest.mark.parametrize(
    ("size", "minimum", "happening"),
    [
        (TRANSITION_MINIMUM_BYTES, "all_storage_classes_128K", ["STANDARD_IA", "GLACIER"]),
        (TRANSITION_MINIMUM_BYTES - 1, "all_storage_classes_128K", []),
        (TRANSITION_MINIMUM_BYTES - 1, "varies_by_storage_class", ["GLACIER"]),
    ],
)
def test_an_object_that_is_too_small_does_not_move(size: int, minimum: TransitionMinimum, happening: list[str]) -> None:
    rule = LifecycleRule(id="a", transitions=transitions((90, "STANDARD_IA"), (365, "GLACIER")))
    found = rules_for(Lifecycle.of([rule], minimum), KEY, size)
    assert [each.storage_class for each in found.transitions] == happening
    assert {each.storage_class for each in found.blocked} == {"STANDARD_IA", "GLACIER"} - set(happening)


@pytest.mark.parametrize("bound", [{"larger_than": SMALL - 1}, {"smaller_than": SMALL + 1}])
def test_a_size_filter_overrides_the_minimum(bound: dict[str, int]) -> None:
    rule = LifecycleRule(id="a", transitions=transitions((90, "GLACIER_IR")), **bound)
    found = rules_for(Lifecycle.of([rule]), KEY, SMALL)
    assert (found.transitions, found.blocked) == (rule.transitions, ())


def test_of_two_rules_the_colder_move_and_the_earlier_end_win() -> None:
    one = LifecycleRule(
        id="a",
        transitions=transitions((90, "STANDARD_IA")),
        expire_days=500,
        noncurrent_expire_days=9,
        expire_date=STORED,
    )
    other = LifecycleRule(id="b", transitions=transitions((90, "GLACIER")), expire_days=400, noncurrent_expire_days=8)
    rules = rules_for(Lifecycle.of([one, other]), KEY, LARGE)
    assert (rules.expire_days, rules.noncurrent_expire_days, rules.expire_date) == (400, 8, STORED)
    assert [each.storage_class for each in rules.timeline(STORED - 400 * DAY).transitions] == ["GLACIER"]


def test_nothing_moves_to_a_warmer_class() -> None:
    line = ObjectRules(transitions=transitions((10, "GLACIER"), (90, "STANDARD_IA"))).timeline(STORED)
    assert [each.storage_class for each in line.transitions] == ["GLACIER"]


def test_a_transition_comes_before_an_expiration_and_a_destruction_before_a_transition() -> None:
    line = ObjectRules(
        transitions=transitions((30, "GLACIER_IR")),
        expire_days=30,
        noncurrent_transitions=transitions((5, "GLACIER")),
        noncurrent_expire_days=5,
    ).timeline(STORED)
    assert line.transitions == (DatedTransition(midnight(2026, 2, 1), "GLACIER_IR"),)
    assert (line.hidden_at, line.destroyed_at) == (midnight(2026, 2, 2), midnight(2026, 2, 7))


def test_a_date_hides_what_was_stored_before_and_after_it() -> None:
    rules = ObjectRules(expire_date=midnight(2026, 2, 1))
    assert rules.timeline(STORED).hidden_at == midnight(2026, 2, 1)
    assert rules.timeline(midnight(2026, 3, 1) + timedelta(hours=2)).hidden_at == midnight(2026, 3, 2)


def test_foreign_disabled_and_tagged_rules_and_kept_noncurrent_versions_destroy_nothing() -> None:
    rules = [
        LifecycleRule(id="a", prefix="other/", expire_days=1),
        LifecycleRule(id="b", enabled=False, expire_days=1),
        LifecycleRule(id="c", tags=(("x", "y"),), expire_days=1),
        LifecycleRule(id="d", noncurrent_expire_days=1, noncurrent_kept=1),
    ]
    found = rules_for(Lifecycle.of(rules), KEY, LARGE)
    assert found == ObjectRules()
    line = found.timeline(STORED, superseded_at=STORED + DAY)
    assert (line.hidden_at, line.destroyed_at) == (STORED + DAY, None)


def test_stays_end_with_the_destruction_and_name_the_storage_class() -> None:
    line = of_profile("documented", LARGE).timeline(STORED)
    two_hours = 2 / 24
    assert [(stay.storage_class, round(stay.days + two_hours if not at else stay.days, 6))
            for at, stay in enumerate(line.stays(STORED + 9000 * DAY))] == [
        ("STANDARD", 91), ("STANDARD_IA", 275), ("GLACIER", 2280)]  # fmt: skip
    assert line.stays(STORED + 10 * DAY) == [Stay("STANDARD", 10.0)]
    assert line.class_at(midnight(2026, 4, 2) - timedelta(seconds=1)) == "STANDARD"
    assert line.class_at(midnight(2026, 4, 2)) == "STANDARD_IA"


NAMES = st.sampled_from([each.name for each in STORAGE_CLASSES[1:]])
TRANSITIONS = st.lists(
    st.builds(Transition, days=st.integers(0, 400), storage_class=NAMES), max_size=4, unique_by=lambda each: each.days
).map(tuple)
OBJECT_RULES = st.builds(
    ObjectRules,
    transitions=TRANSITIONS,
    expire_days=st.none() | st.integers(1, 500),
    noncurrent_transitions=TRANSITIONS,
    noncurrent_expire_days=st.none() | st.integers(1, 500),
)
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AGES = st.none() | st.integers(0, 900 * 86400).map(lambda seconds: timedelta(seconds=seconds))


def timeline_of(rules: ObjectRules, stored: datetime, incident: timedelta | None, lock: timedelta | None) -> Timeline:
    return rules.timeline(
        stored,
        superseded_at=None if incident is None else stored + incident,
        lock_until=None if lock is None else stored + lock,
    )


@given(rules=OBJECT_RULES, stored=INSTANTS, incident=AGES, lock=AGES)
def test_nothing_is_destroyed_under_its_lock_and_time_only_goes_on(
    rules: ObjectRules, stored: datetime, incident: timedelta | None, lock: timedelta | None
) -> None:
    line = timeline_of(rules, stored, incident, lock)
    instants = [stored, *(each.at for each in line.transitions)]
    assert all(one < other for one, other in pairwise(instants[1:]))
    assert all(at == next_midnight(at) and at >= stored for at in instants[1:])
    classes = ["STANDARD", *(each.storage_class for each in line.transitions)]
    assert all(colder(later, earlier) for earlier, later in pairwise(classes))
    if line.destroyed_at is None:
        return
    assert line.hidden_at is not None
    assert stored <= line.hidden_at < line.destroyed_at == next_midnight(line.destroyed_at)
    assert all(at < line.destroyed_at for at in instants[1:])
    if lock is not None:
        assert line.destroyed_at >= stored + lock
    days = sum(stay.days for stay in line.stays(line.destroyed_at))
    assert days == pytest.approx((line.destroyed_at - stored) / DAY)


@given(rules=OBJECT_RULES, stored=INSTANTS, incident=AGES, lock=AGES)
def test_a_lock_changes_only_when_the_bytes_go(
    rules: ObjectRules, stored: datetime, incident: timedelta | None, lock: timedelta | None
) -> None:
    with_lock, without = timeline_of(rules, stored, incident, lock), timeline_of(rules, stored, incident, None)
    assert with_lock.hidden_at == without.hidden_at
    assert with_lock.transitions[: len(without.transitions)] == without.transitions
    assert (with_lock.destroyed_at is None) == (without.destroyed_at is None)
    if with_lock.destroyed_at is not None and without.destroyed_at is not None:
        assert with_lock.destroyed_at >= without.destroyed_at


@settings(max_examples=30, deadline=None)
@given(
    size=st.sampled_from([SMALL, 100 * 1024, LARGE]),
    profile=st.sampled_from(["documented", "recommended"]),
    minimum=st.sampled_from(["all_storage_classes_128K", "varies_by_storage_class"]),
    hour=st.integers(0, 23),
    incident=st.none() | st.integers(1, 2600),
    locked=st.booleans(),
)
def test_the_in_memory_s3_does_the_same(
    size: int, profile: str, minimum: TransitionMinimum, hour: int, incident: int | None, *, locked: bool
) -> None:
    wanted = lifecycle_of(load_profile(profile), Layout()).model_copy(update={"transition_minimum": minimum})
    stored = STORED.replace(hour=hour)
    lock_until = midnight(2033, 1, 2) if locked else None
    superseded_at = None if incident is None else stored + incident * DAY
    expected = rules_for(wanted, KEY, size).timeline(stored, superseded_at=superseded_at, lock_until=lock_until)
    assert observed(wanted, size, stored, superseded_at, lock_until) == expected


def observed(
    wanted: Lifecycle, size: int, stored: datetime, superseded_at: datetime | None, lock_until: datetime | None
) -> Timeline:
    """What the strict fake does to such an object."""
    clock = SimulatedClock(stored)
    fake = StrictS3(clock)
    client = fake.client()
    client.create_bucket(Bucket="b", ObjectLockEnabledForBucket=True)
    client.put_bucket_lifecycle_configuration(
        Bucket="b",
        LifecycleConfiguration={"Rules": [rule.to_s3() for rule in wanted.rules]},  # type: ignore[typeddict-item]
        TransitionDefaultMinimumObjectSize=wanted.transition_minimum,
    )
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": lock_until} if lock_until else {}
    version = client.put_object(Bucket="b", Key=KEY, Body=bytes(size), **lock)["VersionId"]  # type: ignore[arg-type]
    hidden_at = None
    if superseded_at is not None:
        clock.set(superseded_at)
        current = client.list_object_versions(Bucket="b", Prefix=KEY)
        if any(each["VersionId"] == version and each["IsLatest"] for each in current.get("Versions", [])):
            client.delete_object(Bucket="b", Key=KEY)
            hidden_at = superseded_at
    clock.set(stored + 6000 * DAY)
    fake.run_lifecycle()
    events = [event for event in fake.lifecycle_log if event.version_id == version]
    marked = [event.at for event in events if event.action == "mark"]
    deleted = [event.at for event in events if event.action == "delete"]
    return Timeline(
        stored_at=stored,
        transitions=tuple(
            DatedTransition(event.at, event.storage_class) for event in events if event.action == "transition"
        ),
        hidden_at=hidden_at or (marked[0] if marked else None),
        destroyed_at=deleted[0] if deleted else None,
    )
