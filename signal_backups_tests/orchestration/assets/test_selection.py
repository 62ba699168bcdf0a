"""Materializing some of the assets: what can work works, the rest says what to select."""

import dagster as dg
import pytest

from signal_backups.core.base.errors import ExitCode
from signal_backups.orchestration.failures import failed_days
from signal_backups.orchestration.names import BACKUP_ASSETS, BACKUP_OBJECT, HASHED_CSV, SIGNAL_EXTRACT
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import World, evaluations, materialized_days

DAY = FIRST_DAY


@pytest.fixture(autouse=True)
def signals(world: World) -> None:
    world.table.add_days(DAY, day_number(1))


@pytest.mark.parametrize("asset", [HASHED_CSV, BACKUP_OBJECT], ids=dg.AssetKey.to_user_string)
def test_a_later_asset_alone_fails_and_says_what_to_select(world: World, asset: dg.AssetKey) -> None:
    world.run(DAY)
    result = world.run(DAY, assets=[asset])
    (failure,) = failed_days(result)
    assert "select signal_extract, hashed_csv and backup_object together" in failure.reason
    assert (failure.exit_code, failure.transient) == (ExitCode.USAGE, False)
    assert not result.success
    assert [materialized_days(result, asset) for asset in BACKUP_ASSETS] == [[], [], []]


def test_the_first_two_assets_can_be_materialized_without_an_upload(world: World) -> None:
    result = world.run(DAY, assets=[SIGNAL_EXTRACT, HASHED_CSV])
    assert result.success
    assert [materialized_days(result, asset) for asset in BACKUP_ASSETS] == [[DAY], [DAY], []]
    assert {answer.asset_key for answer in evaluations(result)} == {SIGNAL_EXTRACT, HASHED_CSV}
    assert world.store_versions() == []


def test_the_extract_can_be_materialized_alone(world: World) -> None:
    result = world.run(DAY, assets=[SIGNAL_EXTRACT])
    assert [materialized_days(result, asset) for asset in BACKUP_ASSETS] == [[DAY], [], []]


def test_a_subset_of_the_assets_works_over_a_range(world: World) -> None:
    result = world.run(DAY, day_number(1), assets=[SIGNAL_EXTRACT, HASHED_CSV])
    assert materialized_days(result, HASHED_CSV) == [DAY, day_number(1)]


def test_checks_that_are_not_selected_are_not_answered(world: World) -> None:
    result = world.run_without_checks(DAY)
    assert result.success
    assert materialized_days(result, BACKUP_OBJECT) == [DAY]
    assert evaluations(result) == []
