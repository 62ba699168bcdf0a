"""What Dagster's instance adds to the metrics: our schedules and sensors, and the daemons that run them.

What belongs here: reading the instance. What does not: what S3 tells (``core.metrics``).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType
from prometheus_client.core import GaugeMetricFamily, Metric

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.monitoring.metrics.families import PREFIX
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.instance.home import persistent_instance


def instance_metrics(home: Path) -> Callable[[], list[Metric]]:
    """A look at the instance in a folder, to be repeated; it raises ``SignalBackupsError`` when it cannot be used."""
    repository = build_defs().get_repository_def()
    schedules = [schedule.name for schedule in repository.schedule_defs]
    sensors = [sensor.name for sensor in repository.sensor_defs]

    def look() -> list[Metric]:
        try:
            with persistent_instance(home) as instance:
                return [
                    _running(instance, InstigatorType.SCHEDULE, schedules),
                    _running(instance, InstigatorType.SENSOR, sensors),
                    _heartbeats(instance),
                ]
        except Exception as error:
            raise SignalBackupsError(
                f"Dagster's instance in {home} cannot be used: {error}", remedy="See: signal-backups doctor"
            ) from error

    return look


def _running(instance: dg.DagsterInstance, kind: InstigatorType, names: list[str]) -> Metric:
    states = instance.all_instigator_state(instigator_type=kind)
    word = kind.value.lower()
    # Without a state what the code says counts: they are all on.
    off = {state.instigator_name for state in states if state.status is InstigatorStatus.STOPPED}
    running = GaugeMetricFamily(
        f"{PREFIX}{word}_running", f"Whether a {word} of Dagster's is on (1) or off (0).", labels=[word]
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
