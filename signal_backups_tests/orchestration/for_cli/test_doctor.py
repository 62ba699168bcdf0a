"""What the doctor says of Dagster: an instance, heartbeats, schedules and sensors as they really are stored."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from signal_backups.core.base.days import utc_now
from signal_backups.core.config.settings import load_settings
from signal_backups.core.doctor.examination import Step, examine
from signal_backups.core.doctor.finding import DoctorCheck, DoctorFinding, State, ok
from signal_backups.orchestration.for_cli.doctor import DagsterDoctor
from signal_backups.orchestration.instance.home import prepare_home
from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups_tests.orchestration.alerts import origin, schedule_state, tick_of
from signal_backups_tests.orchestration.heartbeats import beat

PROJECT = Path(__file__).parents[3]
SCHEDULES = ["audit_trail_schedule", "bucket_policy_schedule", "daily_backup_schedule", "restore_drill_schedule",
             "retention_audit_schedule", "rolling_reconciliation_schedule", "scrub_schedule",
             "storage_cost_schedule", "store_probes_schedule"]  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Dagster's home would be, without a ``.env`` in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGNAL_BACKUPS_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return tmp_path / "dagster"


def examined() -> dict[DoctorCheck, DoctorFinding]:
    steps = [Step(DoctorCheck.SETTINGS, lambda: ok("")), *DagsterDoctor(load_settings).steps()]
    return {finding.check: finding for finding in examine(steps).findings}


def states(found: dict[DoctorCheck, DoctorFinding]) -> list[State]:
    return [
        found[check].state
        for check in (DoctorCheck.INSTANCE, DoctorCheck.DAEMON, DoctorCheck.SCHEDULES, DoctorCheck.SENSORS)
    ]


def test_with_a_running_daemon_all_checks_pass(home: Path) -> None:
    beat(home)
    found = examined()
    assert states(found) == [State.OK] * 4
    assert all(name in found[DoctorCheck.SCHEDULES].found for name in SCHEDULES)
    assert "late_rows_sensor" in found[DoctorCheck.SENSORS].found


def test_where_dagster_never_ran_nothing_is_made(home: Path) -> None:
    found = examined()
    assert states(found) == [State.FAILED, *[State.NOT_CHECKED] * 3]
    assert "make dev" in str(found[DoctorCheck.INSTANCE].remedy)
    assert not home.exists()


def test_the_home_under_ours_counts_when_none_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(home)
    monkeypatch.delenv("DAGSTER_HOME")
    assert states(examined()) == [State.OK] * 4


def test_a_home_of_an_earlier_release_has_no_run_monitoring(home: Path) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n", encoding="utf-8")
    beat(home)
    found = examined()
    assert states(found) == [State.WARNING, *[State.OK] * 3]
    assert "run monitoring is off" in found[DoctorCheck.INSTANCE].found
    assert f"Add to {home / 'dagster.yaml'}" in str(found[DoctorCheck.INSTANCE].remedy)
    assert "monitoring" not in (home / "dagster.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["telemetry: [", "storage: {nonsense: 1}\n", "no_such_section: {}\n"])
def test_an_instance_that_cannot_be_opened(home: Path, text: str) -> None:
    home.mkdir()
    (home / "dagster.yaml").write_text(text)
    found = examined()
    assert states(found) == [State.FAILED, *[State.NOT_CHECKED] * 3]
    assert str(home) in found[DoctorCheck.INSTANCE].found
    assert "\n" not in found[DoctorCheck.INSTANCE].found
    assert "dagster.yaml" in str(found[DoctorCheck.INSTANCE].remedy)


@pytest.mark.parametrize(
    ("minutes", "state"), [(1, State.OK), (5, State.WARNING), (45, State.FAILED)]
)  # fmt: skip
def test_a_daemon_that_was_not_heard_of_for_some_time(home: Path, minutes: int, state: State) -> None:
    beat(home, timedelta(minutes=minutes))
    found = examined()
    assert states(found) == [State.OK, state, State.OK, State.OK]
    if state is not State.OK:
        assert "dagster-daemon run" in str(found[DoctorCheck.DAEMON].remedy)


def test_one_of_the_daemons_is_missing(home: Path) -> None:
    beat(home, without=["SCHEDULER"])
    found = examined()
    assert states(found) == [State.OK, State.FAILED, State.OK, State.OK]
    assert found[DoctorCheck.DAEMON].found == "no healthy heartbeat of SCHEDULER: nothing runs by itself"


def test_a_daemon_that_ran_into_errors(home: Path) -> None:
    beat(home, errors=[SerializableErrorInfo("out of order", [], None)])
    found = examined()[DoctorCheck.DAEMON]
    assert found.state is State.WARNING
    assert "SENSOR" in found.found
    assert "Dagster UI" in str(found.remedy)


def dagster(home: Path, *arguments: str) -> None:
    environment = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "dagster", *arguments]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, timeout=120)


def test_a_schedule_and_a_sensor_that_are_off_and_on_again(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(prepare_home(home))) as instance:
        instance.add_instigator_state(schedule_state("daily_backup_schedule", InstigatorStatus.STOPPED, utc_now()))
        instance.add_instigator_state(
            InstigatorState(
                origin("late_rows_sensor"), InstigatorType.SENSOR, InstigatorStatus.STOPPED, SensorInstigatorData()
            )
        )
    beat(home)
    found = examined()
    assert states(found) == [State.OK, State.OK, State.FAILED, State.FAILED]
    assert found[DoctorCheck.SCHEDULES].found == "off: daily_backup_schedule"
    assert found[DoctorCheck.SENSORS].found == "off: late_rows_sensor"
    for check in (DoctorCheck.SCHEDULES, DoctorCheck.SENSORS):
        command = str(found[check].remedy).partition("folder: ")[2]
        dagster(home, *command.removeprefix("dagster ").split())
    beat(home)
    assert states(examined()) == [State.OK] * 4


def test_a_sensor_whose_last_tick_failed(home: Path) -> None:
    # Nothing else reports this for the sensor that sends the alerts.
    where = origin(ALERT_SENSOR)
    state = InstigatorState(where, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData())
    with dg.DagsterInstance.from_config(str(prepare_home(home))) as instance:
        instance.add_instigator_state(state)
        instance.create_tick(tick_of(state, utc_now(), TickStatus.FAILURE, "no settings"))
    beat(home)
    found = examined()
    assert states(found) == [State.OK, State.OK, State.OK, State.FAILED]
    assert found[DoctorCheck.SENSORS].found == "the last tick failed of: alert_sensor"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.create_tick(tick_of(state, utc_now() + timedelta(minutes=1), TickStatus.SKIPPED))
        instance.create_tick(tick_of(state, utc_now() + timedelta(minutes=2), TickStatus.STARTED))
    assert states(examined()) == [State.OK] * 4
