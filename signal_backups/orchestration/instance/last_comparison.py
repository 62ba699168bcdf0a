"""What the last run of ``rolling_reconciliation`` left in its materialization, for the next one and for the sensor."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg
from pydantic import BaseModel

from signal_backups.core.backup.changed_days import Comparison
from signal_backups.orchestration.names import ROLLING_RECONCILIATION

_METADATA = "comparison"


class LastComparison(BaseModel, frozen=True):
    """What a night found.

    Attributes:
        next_day: where the next night goes on; None: at the first of all days.
        changed: the name of the change of each day that the database has changed since its backup.
    """

    next_day: date | None = None
    changed: dict[date, str] = {}


def last_comparison(instance: dg.DagsterInstance) -> LastComparison:
    """The last comparison; an empty one when there was none."""
    found = instance.get_latest_materialization_event(ROLLING_RECONCILIATION)
    stored = found.asset_materialization.metadata.get(_METADATA) if found and found.asset_materialization else None
    return LastComparison.model_validate(stored.value) if stored is not None else LastComparison()


def metadata_of(comparison: Comparison, next_day: date | None) -> dict[str, Any]:
    """What ``last_comparison`` reads."""
    changed = {each.day: each.name for each in comparison.changed}
    kept = LastComparison(next_day=next_day, changed=changed)
    return {_METADATA: dg.MetadataValue.json(kept.model_dump(mode="json"))}
