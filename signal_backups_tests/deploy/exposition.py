"""A complete exposition of the exporter, and the alert rules and panels that use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.metrics.exporter import Exporter
from signal_backups.orchestration.for_cli.metrics import instance_metrics
from signal_backups_tests.core.monitoring.metrics.measured import World
from signal_backups_tests.orchestration.heartbeats import beat

DEPLOY = Path(__file__).parents[2] / "deploy"


def full_exposition(folder: Path) -> str:
    """Return the text of an exporter with backups, events, a drill, a quota, locks, and Dagster's daemons."""
    world = World(folder, "recommended")
    beat(folder / "dagster")
    world.put_day(world.newest)
    world.record(Action.BACKUP, "stored", day=str(world.newest), seconds=2.0)
    world.record(Action.DRILL, "passed", rto_seconds=60.0)
    exporter = Exporter(world.measurer(quota_gb=1), world.vault.store, _instance(folder / "dagster"))
    exporter.refresh()
    # The in-memory S3 sends no Date header.
    exporter._measurer.clock_skew_seconds = 0.5
    return generate_latest(exporter.registry).decode("utf-8")


def _instance(home: Path) -> Callable[[], list[Metric]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        found = instance_metrics(home)()
    return lambda: found


def labels_by_name(exposition: str) -> dict[str, set[str]]:
    """Return the labels of each sample name."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard."""
    return list(json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))["panels"])


def dashboard_queries(instance: str = ".+") -> dict[str, str]:
    """Return the queries of the dashboard as Grafana sends them, by panel and letter."""
    return {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$instance", instance)
        for panel in panels()
        for target in panel["targets"]
    }
