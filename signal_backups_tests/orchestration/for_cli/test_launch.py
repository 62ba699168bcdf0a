"""Starting the job from a program, as the command line does, and reading what came of it."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from signal_backups.core.base.errors import SignalBackupsError, SourceError, StoreError
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.orchestration.failures import DayFailure
from signal_backups.orchestration.for_cli import launch
from signal_backups.orchestration.for_cli.launch import BackupRunResult, FailedCheck, run_backup
from signal_backups.orchestration.names import BACKUP_OBJECT
from signal_backups_tests.orchestration.faulty import RefusingStore, UnreadableDays
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number, forged_signal
from signal_backups_tests.orchestration.world import MATERIALIZED, World

LAST_DAY = day_number(2)


@pytest.fixture(autouse=True)
def signals(world: World) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY)


def back_up(world: World, first: date = FIRST_DAY, last: date = LAST_DAY, **options: Any) -> BackupRunResult:
    return run_backup(world.instance, first, last, resource_overrides=world.overrides(), **options)


def test_a_range_is_backed_up_in_one_run(world: World) -> None:
    result = back_up(world)
    assert result.stored == {FIRST_DAY: True, day_number(1): True, LAST_DAY: True}
    assert (result.failures, result.failed_checks) == ([], [])
    assert [run.run_id for run in world.instance.get_runs()] == [result.run_id]


def test_a_single_day_is_backed_up_as_a_run_of_that_partition(world: World) -> None:
    result = back_up(world, LAST_DAY, LAST_DAY)
    assert result.stored == {LAST_DAY: True}
    assert world.instance.get_run_by_id(result.run_id).tags["dagster/partition"] == LAST_DAY.isoformat()


def test_an_unchanged_day_differs_from_a_changed_one(world: World) -> None:
    back_up(world, FIRST_DAY, FIRST_DAY)
    assert back_up(world).stored == {FIRST_DAY: False, day_number(1): True, LAST_DAY: True}


def test_every_day_is_announced_as_it_is_stored(world: World) -> None:
    announced: list[date] = []
    back_up(world, on_stored=announced.append)
    assert announced == [FIRST_DAY, day_number(1), LAST_DAY]


def test_the_instance_remembers_what_a_program_started(world: World) -> None:
    back_up(world)
    assert set(world.partition_statuses(BACKUP_OBJECT, FIRST_DAY, LAST_DAY).values()) == {MATERIALIZED}


def test_a_failed_day_is_a_result_and_not_an_exception(world: World) -> None:
    error = SourceError("the disk is broken", remedy="Replace it")
    broken = UnreadableDays(world.source, [day_number(1)], error)
    result = run_backup(world.instance, FIRST_DAY, LAST_DAY, resource_overrides=world.overrides(source=broken))
    assert result.failures == [DayFailure.of(day_number(1), error)]
    assert result.stored == {FIRST_DAY: True, LAST_DAY: True}


def test_after_an_error_that_may_pass_it_tries_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch.INTERACTIVE_RETRY_POLICY.max_retries >= 1
    monkeypatch.setattr(launch, "INTERACTIVE_RETRY_POLICY", dg.RetryPolicy(max_retries=1, delay=0))
    world.vault.store = RefusingStore(world.vault.store, [LAST_DAY], StoreError("SlowDown", transient=True), times=1)
    result = back_up(world)
    assert (result.stored, result.failures) == ({FIRST_DAY: True, day_number(1): True, LAST_DAY: True}, [])


def test_a_failed_check_is_named_with_its_day_and_its_weight(world: World) -> None:
    world.table.add(forged_signal(LAST_DAY, 99))
    assert back_up(world).failed_checks == [
        FailedCheck(
            day=LAST_DAY,
            check="row_hashes_match",
            is_error=True,
            description="1 of 4 rows do not match their hash; they are in quarantine",
        )
    ]


def test_a_warning_is_not_an_error(world: World) -> None:
    back_up(world)
    world.table.remove_day(LAST_DAY)
    world.table.add_days(LAST_DAY, LAST_DAY, signals_a_day=1)
    assert [(check.check, check.is_error) for check in back_up(world).failed_checks] == [
        ("record_count_is_plausible", False), ("source_agrees_with_backup", True)
    ]  # fmt: skip


def test_a_day_that_somebody_accepted_as_empty_fails_no_check(world: World) -> None:
    back_up(world)
    world.table.remove_day(LAST_DAY)
    result = back_up(world, LAST_DAY, LAST_DAY, accept_changes="ticket 17")
    assert (result.stored, result.failed_checks) == ({LAST_DAY: True}, [])
    manifest = world.vault.manifest(BackupSlot(LAST_DAY))
    assert manifest is not None
    assert (manifest.records, [each.reason for each in manifest.replacements]) == (0, ["ticket 17"])


def test_a_run_that_fails_outside_of_any_day_is_an_error_that_names_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("signal_backups.orchestration.assets.daily_backup.Scratch", bug)
    with pytest.raises(SignalBackupsError, match="failed") as caught:
        back_up(world)
    (run,) = world.instance.get_runs()
    assert run.run_id in str(caught.value)


def test_a_run_that_is_interrupted_is_cancelled_and_one_that_is_over_stays_as_it_is(world: World) -> None:
    interrupted = launch.new_run_id()
    statuses = []

    def interrupt(_day: date) -> None:
        launch.cancel_run(world.instance, interrupted)
        statuses.append(world.instance.get_run_by_id(interrupted).status)

    back_up(world, FIRST_DAY, FIRST_DAY, run_id=interrupted, on_stored=interrupt)
    assert statuses == [dg.DagsterRunStatus.CANCELED]
    over = back_up(world).run_id
    launch.cancel_run(world.instance, over)
    assert world.instance.get_run_by_id(over).status is dg.DagsterRunStatus.SUCCESS
    launch.cancel_run(world.instance, launch.new_run_id())
