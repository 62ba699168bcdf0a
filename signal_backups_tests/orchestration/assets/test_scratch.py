"""Scratch files live as long as their run: whatever a crash leaves, the next run removes."""

from pathlib import Path

import dagster as dg
import pytest

from signal_backups.core.base.days import utc_now
from signal_backups.core.base.objectives import MAX_RUN_SILENCE
from signal_backups_tests.orchestration.signals import FIRST_DAY
from signal_backups_tests.orchestration.world import World


def leftover(world: World, status: dg.DagsterRunStatus) -> Path:
    """The scratch of a run that Dagster knows."""
    run = world.instance.add_run(dg.DagsterRun("daily_backup_job", status=status))
    folder = world.scratch / run.run_id / FIRST_DAY.isoformat()
    folder.mkdir(parents=True)
    (folder / "extract.arrow").write_bytes(b"half a day")
    return folder.parent


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], ids=lambda s: s.value)
def test_what_a_crashed_run_left_is_removed_by_the_next_run(world: World, status: dg.DagsterRunStatus) -> None:
    folder = leftover(world, status)
    result = world.run(FIRST_DAY)
    assert not folder.exists()
    messages = [entry.user_message for entry in world.instance.all_logs(result.run_id) if entry.user_message]
    assert any(folder.name in message for message in messages)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING], ids=lambda s: s.value)
def test_what_a_run_in_progress_works_on_is_left(world: World, status: dg.DagsterRunStatus) -> None:
    folder = leftover(world, status)
    world.run(FIRST_DAY)
    assert list(folder.rglob("extract.arrow"))


def test_what_a_stuck_run_left_is_removed_and_the_run_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = leftover(world, dg.DagsterRunStatus.STARTED)
    later = utc_now() + MAX_RUN_SILENCE
    monkeypatch.setattr("signal_backups.orchestration.assets.daily_backup.utc_now", lambda: later)
    world.run(FIRST_DAY)
    assert not folder.exists()
    run = world.instance.get_run_by_id(folder.name)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE


def test_fresh_scratch_of_a_run_that_another_instance_knows_is_left(world: World) -> None:
    folder = world.scratch / "run-of-another-instance"
    folder.mkdir(parents=True)
    world.run(FIRST_DAY)
    assert folder.exists()


def test_a_run_that_fails_on_a_bug_leaves_no_scratch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("signal_backups.orchestration.assets.day_run.write_hashed_csv", bug)
    assert not world.run(FIRST_DAY).success
    assert list(world.scratch.rglob("*")) == []
