"""Dagster's instance at one moment, as all conditions see it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from signal_backups.core.monitoring.alerts.state import AlertState


@dataclass(frozen=True)
class InstanceSnapshot:
    """The instance at one tick of the alert sensor.

    Attributes:
        instance: the instance.
        repository: our definitions.
        state: the alerts that are open.
        busy: days that a run works on, or that wait for one.
        failed: days whose last run failed.
        ui_url: address of the UI.
        now: UTC.
    """

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    state: AlertState
    busy: Set[date]
    failed: Set[date]
    ui_url: str
    now: datetime

    def link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.ui_url.rstrip('/')}/runs/{run_id}"

    @property
    def watching_assets(self) -> list[dg.AssetKey]:
        """The assets without partitions."""
        graph = self.repository.asset_graph
        return [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def is None]
