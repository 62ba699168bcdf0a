"""What Dagster's instance adds to the metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.for_cli.metrics import instance_metrics
from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups_tests.orchestration.heartbeats import beat

DAILY = "daily_backup_schedule"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's home, whose daemons reported an hour ago."""
    home = tmp_path / "dagster"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    beat(home, timedelta(hours=1), without=["SENSOR"])
    return home


def shown(home: Path) -> dict[str, float]:
    """Values by the value of the only label."""
    samples = [sample for family in instance_metrics(home)() for sample in family.samples]
    return {label: sample.value for sample in samples for label in sample.labels.values()}


def switch_off(instance: dg.DagsterInstance, name: str, kind: InstigatorType) -> None:
    """As the daemon keeps it when somebody has."""
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("signal_backups"), "__repository__")
    data = ScheduleInstigatorData("0 2 * * *") if kind is InstigatorType.SCHEDULE else None
    origin = RemoteInstigatorOrigin(place, name)
    instance.add_instigator_state(InstigatorState(origin, kind, InstigatorStatus.STOPPED, data))


def test_schedules_and_sensors_are_on_until_somebody_switches_one_off(home: Path) -> None:
    repository = build_defs().get_repository_def()
    ours = {each.name for each in (*repository.schedule_defs, *repository.sensor_defs)}
    assert {DAILY, ALERT_SENSOR} < ours
    before = shown(home)
    assert {name for name in before if before[name] == 1} == ours
    with dg.DagsterInstance.get() as instance:
        switch_off(instance, DAILY, InstigatorType.SCHEDULE)
        switch_off(instance, ALERT_SENSOR, InstigatorType.SENSOR)
    after = shown(home)
    assert {name for name in ours if after[name] == 0} == {DAILY, ALERT_SENSOR}


def test_daemons_are_shown_with_their_last_report(home: Path) -> None:
    found = shown(home)
    assert found["SENSOR"] == 0
    ago = datetime.now(UTC) - datetime.fromtimestamp(found["SCHEDULER"], UTC)
    assert round(ago / timedelta(hours=1)) == 1


def test_an_instance_that_cannot_be_used_is_an_error_of_ours(home: Path) -> None:
    (home / "dagster.yaml").write_text("storage: nonsense\n", encoding="utf-8")
    with pytest.raises(SignalBackupsError, match="cannot be used"):
        instance_metrics(home)()
