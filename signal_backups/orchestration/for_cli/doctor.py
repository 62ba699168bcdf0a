"""The doctor checks of Dagster: its instance, its daemon, our schedules and sensors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.config.settings import Settings
from signal_backups.core.doctor.examination import Step
from signal_backups.core.doctor.finding import DoctorCheck, DoctorResult, failed, ok, warning
from signal_backups.core.vault.day_state import DayState, command_for
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.instance.home import persistent_instance
from signal_backups.orchestration.instance.run_life import StuckRun, stuck_runs
from signal_backups.orchestration.instance.ticks import AutomationKind, automations
from signal_backups.orchestration.names import STALE_PARTITION_SENSOR

#: Daemons report every 30 s; Dagster itself gives one up after half an hour.
WARN_HEARTBEAT_AGE = timedelta(minutes=2)

_START = "Start Dagster: make dev, or dagster-daemon run with DAGSTER_HOME={home}"


def _about_stuck_runs(stuck: Sequence[StuckRun]) -> DoctorResult:
    silent = ", ".join(f"{run.run_id} since {run.silent_since:%Y-%m-%d %H:%M}Z" for run in stuck)
    days = sorted({day for run in stuck for day in run.days})
    command = f": {command_for(DayState.STUCK, days)}" if days else ""
    return warning(
        f"stuck runs, without a sign of life: {silent}",
        f"{STALE_PARTITION_SENSOR} ends them while Dagster's daemon runs; so does the next backup{command}",
    )


class DagsterDoctor:
    """The doctor checks that need Dagster.

    Args:
        settings: loads the settings; called only by checks that come after ``DoctorCheck.SETTINGS``.
        clock: the present (UTC).
    """

    def __init__(self, settings: Callable[[], Settings], clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock

    def steps(self) -> list[Step]:
        """Every check, after those it needs."""
        return [
            Step(DoctorCheck.INSTANCE, self._exists, (DoctorCheck.SETTINGS,)),
            Step(DoctorCheck.DAEMON, self._daemon_is_alive, (DoctorCheck.INSTANCE,)),
            Step(DoctorCheck.SCHEDULES, lambda: self._are_on("schedule"), (DoctorCheck.INSTANCE,)),
            Step(DoctorCheck.SENSORS, lambda: self._are_on("sensor"), (DoctorCheck.INSTANCE,)),
        ]

    @property
    def _home(self) -> Path:
        return Path(os.environ.get("DAGSTER_HOME", str(self._settings().dagster_home)))

    @contextmanager
    def _instance(self) -> Iterator[dg.DagsterInstance]:
        try:
            with persistent_instance(self._home) as instance:
                yield instance
        except SignalBackupsError:
            raise
        except Exception as error:
            raise SignalBackupsError(
                f"Dagster's instance in {self._home} cannot be used: {str(error).strip().partition(chr(10))[0]}",
                remedy=f"Check {self._home / 'dagster.yaml'} and the storage it names",
            ) from error

    def _exists(self) -> DoctorResult:
        if not (self._home / "dagster.yaml").is_file():
            return failed(f"Dagster never ran here: no {self._home / 'dagster.yaml'}", self._start)
        with self._instance() as instance:
            runs, monitored = instance.get_runs_count(), instance.run_monitoring_enabled
            stuck = stuck_runs(instance, self._clock())
        if stuck:
            return _about_stuck_runs(stuck)
        if not monitored:
            return warning(
                f"{self._home}: run monitoring is off, so that a run which never starts is never ended",
                f"Add to {self._home / 'dagster.yaml'}, and start Dagster again: run_monitoring: {{enabled: true}}",
            )
        return ok(f"{self._home}, {runs} runs")

    def _daemon_is_alive(self) -> DoctorResult:
        with self._instance() as instance:
            statuses = instance.get_daemon_statuses().values()
        required = [status for status in statuses if status.required]
        dead = sorted(status.daemon_type for status in required if not status.healthy)
        if dead:
            return failed(f"no healthy heartbeat of {', '.join(dead)}: nothing runs by itself", self._start)
        complaining = sorted(s.daemon_type for s in required if s.last_heartbeat and s.last_heartbeat.errors)
        if complaining:
            words = f"{', '.join(complaining)} ran into errors"
            return warning(words, "Read them in the Dagster UI: Deployment, Daemons")
        beats = [status.last_heartbeat.timestamp for status in required if status.last_heartbeat]
        age = self._clock() - datetime.fromtimestamp(min(beats), UTC)
        words = f"last heartbeat {age.total_seconds():.0f} s ago"
        return ok(words) if age <= WARN_HEARTBEAT_AGE else warning(words, self._start)

    def _are_on(self, kind: AutomationKind) -> DoctorResult:
        """Everything that our code declares running is on, and its last tick did not fail."""
        repository = build_defs().get_repository_def()
        defined: Sequence[dg.ScheduleDefinition | dg.SensorDefinition] = (
            repository.schedule_defs if kind == "schedule" else repository.sensor_defs
        )
        wanted = sorted(each.name for each in defined if each.default_status.value == "RUNNING")
        with self._instance() as instance:
            known = automations(instance, kind)
            ticks = {name: known[name].last_finished_tick() for name in wanted if name in known}
        off = [name for name in wanted if name in known and known[name].is_off]
        if off:
            commands = "; ".join(f"dagster {kind} start {name}" for name in off)
            return failed(
                f"off: {', '.join(off)}", f"Switch on in the Dagster UI, or in the project's folder: {commands}"
            )
        failing = [name for name, tick in ticks.items() if tick is not None and tick.failed]
        if failing:
            return failed(f"the last tick failed of: {', '.join(failing)}", "Read why in the Dagster UI: Automation")
        return ok(f"{len(wanted)} on: {', '.join(wanted)}")

    @property
    def _start(self) -> str:
        return _START.format(home=self._home)
