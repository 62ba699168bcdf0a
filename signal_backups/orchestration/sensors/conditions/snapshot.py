"""What every look at the instance needs."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from signal_backups.core.monitoring.alerts.state import AlertState


@dataclass(frozen=True)
class Look:
    """One look: at what, with what in mind, and when (UTC).

    ``busy`` are the days that runs have at this moment, ``failed`` those whose last run failed.
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
    def unpartitioned_assets(self) -> list[dg.AssetKey]:
        """The assets that are looks at the whole."""
        graph = self.repository.asset_graph
        return [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def is None]
