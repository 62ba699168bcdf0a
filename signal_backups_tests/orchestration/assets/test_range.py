"""One run over many days, some of which fail: what Dagster records of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import dagster as dg
import pytest

from signal_backups.core.base.days import days_between
from signal_backups.core.base.errors import ExitCode, SourceError, StoreError
from signal_backups.orchestration.assets.daily_backup_checks import CSV_PARSES, OBJECT_EQUALS_CSV
from signal_backups.orchestration.failures import failed_days
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT
from signal_backups_tests.orchestration.faulty import RefusingStore, UnreadableDays
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import (
    CHECK_PASSED,
    FAILED,
    MATERIALIZED,
    World,
    days_without,
    empty_world,
    evaluations,
    materialized_days,
    metadata_of,
    own_settings,
)

LAST_DAY = day_number(29)
UNREADABLE = [day_number(3), day_number(11), day_number(29)]
REFUSED = [day_number(7), day_number(8)]
GOOD = days_without(FIRST_DAY, LAST_DAY, [*UNREADABLE, *REFUSED])


@dataclass(frozen=True)
class Month:
    """A run over 30 days: 3 that the database does not give, 2 that the store does not take."""

    world: World
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("month")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        own_settings(folder, patch)
        world = empty_world(folder, instance)
        world.table.add_days(FIRST_DAY, LAST_DAY)
        source = UnreadableDays(world.source, UNREADABLE, SourceError("the disk is broken"))
        world.vault.store = RefusingStore(world.vault.store, REFUSED, StoreError("the bucket is full"))
        yield Month(world, world.run(FIRST_DAY, LAST_DAY, source=source))


def test_the_run_fails_when_a_day_failed(month: Month) -> None:
    assert not month.result.success


def test_the_run_names_exactly_the_failed_days_and_why(month: Month) -> None:
    failures = failed_days(month.result)
    assert {failure.day: failure.reason for failure in failures} == {
        **dict.fromkeys(UNREADABLE, "the disk is broken"),
        **dict.fromkeys(REFUSED, "the bucket is full"),
    }
    assert {failure.exit_code for failure in failures} == {ExitCode.UNREACHABLE}


def test_all_days_but_the_failed_are_materialized_once_and_in_order(month: Month) -> None:
    assert materialized_days(month.result, BACKUP_OBJECT) == GOOD


def test_a_day_is_materialized_up_to_the_asset_that_failed(month: Month) -> None:
    for asset in (SIGNAL_EXTRACT, HASHED_CSV):
        assert materialized_days(month.result, asset) == days_without(FIRST_DAY, LAST_DAY, UNREADABLE)


@pytest.mark.parametrize(
    ("asset", "failed"),
    [(SIGNAL_EXTRACT, UNREADABLE), (HASHED_CSV, UNREADABLE), (BACKUP_OBJECT, [*UNREADABLE, *REFUSED])],
    ids=lambda value: value.to_user_string() if isinstance(value, dg.AssetKey) else "",
)
def test_dagster_shows_exactly_the_failed_days_as_failed(month: Month, asset: dg.AssetKey, failed: list[date]) -> None:
    assert month.world.partition_statuses(asset, FIRST_DAY, LAST_DAY) == {
        day: FAILED if day in failed else MATERIALIZED for day in days_between(FIRST_DAY, LAST_DAY)
    }


def test_dagster_shows_exactly_the_good_days_of_a_check_as_passed(month: Month) -> None:
    assert month.world.check_days(OBJECT_EQUALS_CSV, CHECK_PASSED) == set(GOOD)
    assert month.world.check_days(CSV_PARSES, CHECK_PASSED) == {*GOOD, *REFUSED}


def test_no_check_answer_is_recorded_for_the_range_as_a_whole(month: Month) -> None:
    answers = evaluations(month.result)
    assert len(answers) == 10 * len(GOOD) + 6 * len(REFUSED)
    assert None not in {answer.partition for answer in answers}


def test_every_day_has_its_own_data_version(month: Month) -> None:
    events = [e.materialization for e in month.result.all_events if e.is_step_materialization]
    backups = [event for event in events if event.asset_key == BACKUP_OBJECT]
    versions = {event.tags["dagster/data_version"] for event in backups}
    assert versions == {metadata_of(event)["sha256"] for event in backups}
    assert len(versions) == len(GOOD)


def test_every_check_answer_points_at_the_materialization_of_its_own_day(month: Month) -> None:
    infos = month.world.check_infos(OBJECT_EQUALS_CSV)
    assert all(infos[day.isoformat()].is_current for day in GOOD)
    targets = {infos[day.isoformat()].latest_target_materialization_storage_id for day in GOOD}
    assert len(targets - {None}) == len(GOOD)


def test_s3_holds_exactly_the_good_days(month: Month) -> None:
    stored = month.world.vault.backups_with_manifests(FIRST_DAY, LAST_DAY)
    assert [backup.slot.day for backup in stored if backup.is_vouched] == GOOD


def test_scratch_of_failed_days_is_removed_too(month: Month) -> None:
    assert list(month.world.scratch.rglob("*")) == []


def test_a_day_that_fails_after_a_good_run_is_shown_as_failed_and_keeps_its_backup(world: World) -> None:
    world.table.add_days(FIRST_DAY, day_number(2))
    world.run(FIRST_DAY, day_number(2))
    broken = UnreadableDays(world.source, [day_number(1)], SourceError("the disk is broken"))
    versions = world.store_versions()
    world.run(FIRST_DAY, day_number(2), source=broken)
    assert world.partition_statuses(BACKUP_OBJECT, FIRST_DAY, day_number(2)) == {
        FIRST_DAY: MATERIALIZED,
        day_number(1): FAILED,
        day_number(2): MATERIALIZED,
    }
    assert world.store_versions() == versions


def test_a_failed_day_is_fixed_by_running_it_alone(world: World) -> None:
    world.table.add_days(FIRST_DAY, day_number(1))
    broken = UnreadableDays(world.source, [day_number(1)], SourceError("the disk is broken"))
    world.run(FIRST_DAY, day_number(1), source=broken)
    assert world.run(day_number(1)).success
    for asset in BACKUP_ASSETS:
        assert set(world.partition_statuses(asset, FIRST_DAY, day_number(1)).values()) == {MATERIALIZED}
