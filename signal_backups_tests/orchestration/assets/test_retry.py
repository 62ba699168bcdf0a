"""Troubles that pass are tried again within the run, and nothing is done twice."""

from datetime import date

import dagster as dg
import pytest

from signal_backups.core.base.errors import SourceError, StoreError
from signal_backups.orchestration.build import RETRY_POLICY
from signal_backups.orchestration.failures import failed_days
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT
from signal_backups_tests.orchestration.faulty import RefusingStore, UnreadableDays
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import MATERIALIZED, World, materialized_days

LAST_DAY = day_number(3)
SICK_DAY = day_number(1)
AT_ONCE = dg.RetryPolicy(max_retries=2, delay=0)
PASSING = StoreError("503 SlowDown", transient=True)
LASTING = StoreError("AccessDenied")


@pytest.fixture(autouse=True)
def signals(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)


def refuse(world: World, days: list[date], error: StoreError, times: int = 1_000) -> RefusingStore:
    store = RefusingStore(world.vault.store, days, error, times)
    world.vault.store = store
    return store


def retries(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.is_step_restarted for event in result.all_events)


def test_an_error_that_passes_is_over_at_the_next_attempt_of_the_same_run(world: World) -> None:
    refuse(world, [SICK_DAY], PASSING, times=1)
    result = world.run(FIRST_DAY, LAST_DAY, retry_policy=AT_ONCE)
    assert result.success
    assert retries(result) == 1
    assert set(world.partition_statuses(BACKUP_OBJECT, FIRST_DAY, LAST_DAY).values()) == {MATERIALIZED}


def test_days_that_were_stored_are_not_done_again(world: World) -> None:
    store = refuse(world, [SICK_DAY], PASSING, times=1)
    result = world.run(FIRST_DAY, LAST_DAY, retry_policy=AT_ONCE)
    stored = [FIRST_DAY, day_number(2), LAST_DAY, SICK_DAY]
    assert materialized_days(result, BACKUP_OBJECT) == stored
    assert materialized_days(result, BACKUP_ASSETS[0]) == [FIRST_DAY, SICK_DAY, day_number(2), LAST_DAY, SICK_DAY]
    assert len(store.asked) == len(stored) + 1


def test_days_that_an_earlier_run_stored_are_done_all_the_same(world: World) -> None:
    world.run(FIRST_DAY, LAST_DAY)
    starting = UnreadableDays(world.source, [LAST_DAY], SourceError("it is starting", transient=True), times=1)
    result = world.run(FIRST_DAY, LAST_DAY, source=starting, retry_policy=AT_ONCE)
    assert materialized_days(result, BACKUP_OBJECT) == [FIRST_DAY, SICK_DAY, day_number(2), LAST_DAY]


def test_after_the_last_attempt_an_error_fails_the_run(world: World) -> None:
    refuse(world, [SICK_DAY], PASSING)
    result = world.run(FIRST_DAY, LAST_DAY, retry_policy=AT_ONCE)
    assert not result.success
    assert retries(result) == AT_ONCE.max_retries
    assert [failure.day for failure in failed_days(result)] == [SICK_DAY]


def test_an_error_that_cannot_pass_is_not_tried_again(world: World) -> None:
    store = refuse(world, [SICK_DAY], LASTING)
    result = world.run(FIRST_DAY, LAST_DAY, retry_policy=AT_ONCE)
    assert retries(result) == 0
    assert len(store.asked) == 4
    assert [failure.day for failure in failed_days(result)] == [SICK_DAY]


def test_an_error_that_cannot_pass_is_named_beside_one_that_did(world: World) -> None:
    refuse(world, [SICK_DAY], PASSING, times=1)
    source = UnreadableDays(world.source, [LAST_DAY], SourceError("the disk is broken"))
    result = world.run(FIRST_DAY, LAST_DAY, source=source, retry_policy=AT_ONCE)
    assert [(failure.day, failure.reason) for failure in failed_days(result)] == [(LAST_DAY, "the disk is broken")]
    assert sorted(materialized_days(result, BACKUP_OBJECT)) == [FIRST_DAY, SICK_DAY, day_number(2)]


def test_without_a_policy_nothing_is_tried_again(world: World) -> None:
    refuse(world, [SICK_DAY], PASSING, times=1)
    result = world.run(FIRST_DAY, LAST_DAY)
    assert retries(result) == 0
    assert not result.success


def test_the_policy_in_use_backs_off() -> None:
    assert RETRY_POLICY.max_retries >= 1
    assert RETRY_POLICY.backoff is dg.Backoff.EXPONENTIAL
