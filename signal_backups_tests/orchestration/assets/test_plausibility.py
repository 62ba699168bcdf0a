"""The check on the number of signals warns, fails when all signals are gone, and never stops a backup."""

import dagster as dg
import pytest

from signal_backups.orchestration.assets.daily_backup_checks import COUNT_PLAUSIBLE
from signal_backups.orchestration.names import BACKUP_OBJECT
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number, signal
from signal_backups_tests.orchestration.world import CHECK_FAILED, World, evaluations, materialized_days, metadata_of

THE_DAY = day_number(21)


@pytest.fixture
def history(world: World) -> World:
    """Three earlier days of the same weekday, ten signals each."""
    for monday in (FIRST_DAY, day_number(7), day_number(14)):
        world.table.add_days(monday, monday, signals_a_day=10)
        world.run(monday)
    return world


def test_a_thin_day_warns_and_is_backed_up(history: World) -> None:
    history.table.add_days(THE_DAY, THE_DAY, signals_a_day=4)
    result = history.run(THE_DAY)
    (answer,) = evaluations(result, COUNT_PLAUSIBLE)
    assert (answer.passed, answer.severity, answer.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert result.success
    assert materialized_days(result, BACKUP_OBJECT) == [THE_DAY]
    assert history.check_days(COUNT_PLAUSIBLE, CHECK_FAILED) == {THE_DAY}


def test_the_warning_says_what_is_usual(history: World) -> None:
    history.table.add_days(THE_DAY, THE_DAY, signals_a_day=4)
    (answer,) = evaluations(history.run(THE_DAY), COUNT_PLAUSIBLE)
    assert metadata_of(answer) == {"earlier_days": 3, "median": 10.0}
    assert answer.description == "4 rows, Mondays have 10 (accepted: 5 to 20)"


def test_a_usual_day_passes(history: World) -> None:
    history.table.add_days(THE_DAY, THE_DAY, signals_a_day=9)
    (answer,) = evaluations(history.run(THE_DAY), COUNT_PLAUSIBLE)
    assert answer.passed


def test_a_day_that_lost_records_since_its_backup_warns(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY, signals_a_day=10)
    world.run(FIRST_DAY)
    world.table.remove_day(FIRST_DAY)
    world.table.add_days(FIRST_DAY, FIRST_DAY, signals_a_day=9)
    (answer,) = evaluations(world.run(FIRST_DAY), COUNT_PLAUSIBLE)
    assert (answer.passed, answer.description) == (False, "1 rows fewer than at its last backup")
    assert answer.severity is dg.AssetCheckSeverity.WARN


def test_a_signal_that_is_kept_and_quarantined_is_counted_once(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY, signals_a_day=3)
    world.run(FIRST_DAY)
    world.table.remove_day(FIRST_DAY)
    world.table.add(*(signal(FIRST_DAY, number, symbol="ALTERED") for number in range(3)))
    for _ in range(2):
        (answer,) = evaluations(world.run(FIRST_DAY), COUNT_PLAUSIBLE)
        assert answer.passed, answer.description


def test_a_day_that_lost_everything_since_its_backup_is_an_error(world: World) -> None:
    world.table.add_days(FIRST_DAY, FIRST_DAY, signals_a_day=10)
    world.run(FIRST_DAY)
    world.table.remove_day(FIRST_DAY)
    result = world.run(FIRST_DAY)
    (answer,) = evaluations(result, COUNT_PLAUSIBLE)
    assert (answer.passed, answer.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert materialized_days(result, BACKUP_OBJECT) == [FIRST_DAY]
