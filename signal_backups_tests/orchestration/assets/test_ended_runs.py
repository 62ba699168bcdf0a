"""A run that somebody ends while it works, and its signs of life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
import pytest

from signal_backups.core.source import DaySnapshot, SignalSource, SourceDescription
from signal_backups.orchestration.assets.heartbeat import Heartbeat
from signal_backups.orchestration.failures import failed_days
from signal_backups_tests.orchestration.signals import FIRST_DAY, day_number
from signal_backups_tests.orchestration.world import World
from signal_backups_tests.servers.waiting import wait_for

LAST_DAY = day_number(2)


@dataclass
class Interfering:
    """A source during whose first day something happens to the only run of an instance."""

    source: SignalSource
    instance: dg.DagsterInstance
    act: Callable[[dg.DagsterInstance, dg.DagsterRun], object]
    acted: bool = False

    def describe(self) -> SourceDescription:
        return self.source.describe()

    @contextmanager
    def read_day(self, day: date) -> Iterator[DaySnapshot]:
        if not self.acted:
            self.acted = True
            (run,) = self.instance.get_runs()
            self.act(self.instance, run)
        with self.source.read_day(day) as snapshot:
            yield snapshot


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda instance, run: instance.report_run_failed(run, "by force"), "failure"),
        (lambda instance, run: instance.report_run_canceled(run, "by force"), "canceled"),
        (lambda instance, run: instance.report_run_canceling(run), "canceling"),
    ],
    ids=["failed", "canceled", "canceling"],
)
def test_it_finishes_its_day_and_begins_no_other(
    world: World, act: Callable[[dg.DagsterInstance, dg.DagsterRun], object], status: str
) -> None:
    world.table.add_days(FIRST_DAY, LAST_DAY, signals_a_day=2)
    source = Interfering(world.source, world.instance, act)
    result = world.run(FIRST_DAY, LAST_DAY, source=source)
    assert not result.success
    assert list(world.vault.stored_days(FIRST_DAY, LAST_DAY)) == [FIRST_DAY]
    failures = failed_days(result)
    assert [(failure.day, failure.error) for failure in failures] == [
        (day_number(1), "run_ended"),
        (LAST_DAY, "run_ended"),
    ]
    assert f"run {result.run_id} was ended in Dagster while it worked ({status})" in failures[0].reason
    assert f"signal-backups backup {day_number(1)}" in failures[0].reason


def signs(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    return len([entry for entry in entries if entry.message == "still at work"])


def test_a_long_run_gives_signs_of_life(instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun("daily_backup_job", status=dg.DagsterRunStatus.STARTED))
    with Heartbeat(instance, run, interval=timedelta(milliseconds=1)):
        wait_for(lambda: signs(instance, run) >= 2, 20, "two signs of life")
    after = signs(instance, run)
    assert signs(instance, run) == after, "it went on after its end"


def test_a_run_that_finishes_nothing_gives_no_signs_any_more(instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun("daily_backup_job", status=dg.DagsterRunStatus.STARTED))
    beats: list[float] = []

    class Counting:
        def report_engine_event(self, *_: object) -> None:
            beats.append(1)

    with Heartbeat(Counting(), run, interval=timedelta(milliseconds=1), patience=timedelta(seconds=-1)) as heartbeat:  # type: ignore[arg-type]
        heartbeat._over.wait(0.05)
    assert beats == []


def test_a_sign_of_life_that_cannot_be_written_ends_nothing(
    instance: dg.DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    run = instance.add_run(dg.DagsterRun("daily_backup_job", status=dg.DagsterRunStatus.STARTED))

    class Broken:
        def report_engine_event(self, *_: object) -> None:
            raise OSError("the instance is locked")

    with Heartbeat(Broken(), run, interval=timedelta(milliseconds=1)):  # type: ignore[arg-type]
        wait_for(lambda: "no sign of life" in caplog.text, 20, "a warning")
