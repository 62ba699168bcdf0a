"""Metrics of Dagster's instance: our schedules and sensors, and the daemons that run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
from prometheus_client.core import GaugeMetricFamily, Metric

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.monitoring.metrics.families import PREFIX
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.instance.home import persistent_instance
from signal_backups.orchestration.instance.ticks import AutomationKind, automations


def instance_metrics(home: Path) -> Callable[[], list[Metric]]:
    """A function that reads the metrics of the instance in a folder.

    It raises ``SignalBackupsError`` when the instance cannot be used.
    """
    repository = build_defs().get_repository_def()
    schedules = [schedule.name for schedule in repository.schedule_defs]
    sensors = [sensor.name for sensor in repository.sensor_defs]

    def read() -> list[Metric]:
        try:
            with persistent_instance(home) as instance:
                return [
                    _running(instance, "schedule", schedules),
                    _running(instance, "sensor", sensors),
                    _heartbeats(instance),
                ]
        except SignalBackupsError:
            raise
        except Exception as error:
            raise SignalBackupsError(
                f"Dagster's instance in {home} cannot be used: {error}", remedy="See: signal-backups doctor"
            ) from error

    return read


def _running(instance: dg.DagsterInstance, kind: AutomationKind, names: list[str]) -> Metric:
    # One that the daemon has never seen is on: the code declares all of them running.
    off = {name for name, automation in automations(instance, kind).items() if automation.is_off}
    running = GaugeMetricFamily(
        f"{PREFIX}{kind}_running", f"Whether a {kind} of Dagster's is on (1) or off (0).", labels=[kind]
    )
    for name in names:
        running.add_metric([name], name not in off)
    return running


def _heartbeats(instance: dg.DagsterInstance) -> Metric:
    beats = GaugeMetricFamily(
        f"{PREFIX}daemon_heartbeat_timestamp_seconds",
        "When a daemon that Dagster needs last reported; 0: never.",
        labels=["daemon"],
    )
    for name, status in sorted(instance.get_daemon_statuses().items()):
        if status.required:
            beats.add_metric([name], status.last_heartbeat.timestamp if status.last_heartbeat else 0.0)
    return beats
