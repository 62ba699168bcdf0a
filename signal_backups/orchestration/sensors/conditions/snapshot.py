"""Dagster's instance at one moment, as all conditions see it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from signal_backups.core.monitoring.alerts.state import AlertState
from signal_backups.orchestration.instance.run_life import StuckRun


@dataclass(frozen=True)
class InstanceSnapshot:
    """The instance at one tick of the alert sensor.

    Attributes:
        instance: the instance.
        repository: our definitions.
        state: the alerts that are open.
        busy: days that a run works on, or that wait for one.
        failed: days whose last run failed, or is stuck.
        stuck: runs without signs of life, those included that were ended for it just now.
        ui_url: address of the UI.
        now: UTC.
    """

    instance: dg.DagsterInstance
    repository: dg.RepositoryDefinition
    state: AlertState
    busy: Set[date]
    failed: Set[date]
    stuck: Sequence[StuckRun]
    ui_url: str
    now: datetime

    @property
    def stuck_days(self) -> Set[date]:
        """The days that stuck runs did not finish."""
        return {day for run in self.stuck for day in run.days} & self.failed

    def link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.ui_url.rstrip('/')}/runs/{run_id}"

    @property
    def watching_assets(self) -> list[dg.AssetKey]:
        """The assets without partitions."""
        graph = self.repository.asset_graph
        return [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def is None]
