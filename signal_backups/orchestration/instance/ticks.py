"""The ticks that Dagster's instance keeps of a schedule or sensor."""

from __future__ import annotations

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, TickStatus

#: A tick that has only begun tells nothing yet.
FINISHED = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]


def last_tick(
    instance: dg.DagsterInstance, state: InstigatorState | None, statuses: list[TickStatus] | None = None
) -> InstigatorTick | None:
    """The last tick of a schedule or sensor, or the last of some statuses; None when there is none."""
    if state is None:
        return None
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=statuses)
    return ticks[0] if ticks else None
