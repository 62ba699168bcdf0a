"""The sensor that ends stuck runs and backs up stale days again; its cursor holds its earlier attempts."""

from __future__ import annotations

from datetime import datetime

import dagster as dg
from pydantic import ValidationError

from signal_backups.core.base.day_ranges import ranges_of
from signal_backups.core.base.days import Clock, utc_now
from signal_backups.core.base.objectives import REPAIR_INTERVAL
from signal_backups.core.config.expected_days import observe_expected_days
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.monitoring.repair_plan import Attempt, Attempts, Plan, plan_repair
from signal_backups.core.vault.day_state import DayState, command_for
from signal_backups.orchestration.instance.dagster_types import AssetJob
from signal_backups.orchestration.instance.day_status import dagster_days
from signal_backups.orchestration.instance.run_life import end_stuck_runs
from signal_backups.orchestration.names import STALE_PARTITION_SENSOR
from signal_backups.orchestration.partitions import daily_partitions, range_tags
from signal_backups.orchestration.resources import BackupStore, SettingsSource, observed

#: A new backup would cover these up.
_LEFT_TO_PEOPLE = (DayState.HIDDEN, DayState.DESTROYED)


def stale_partition_sensor(job: AssetJob, clock: Clock = utc_now) -> dg.SensorDefinition:
    """Ends stuck runs, and requests range runs for stale days, unless SIGNAL_BACKUPS_REPAIR is off.

    It is needed because a schedule drops ticks after a long downtime, and a freshness policy does not check single
    days.
    """

    @dg.sensor(
        job=job,
        name=STALE_PARTITION_SENSOR,
        minimum_interval_seconds=int(REPAIR_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Checks every day in S3: a day that is missing, unverified or failed is backed up again, a few "
        "times. A deleted day is left to people. A run without signs of life is ended first.",
    )
    def stale_partitions(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
    ) -> dg.SensorResult | dg.SkipReason:
        current, now = settings.load(), clock()
        _end_stuck_runs(context, now)
        if not current.repair:
            return dg.SkipReason("repair is off (SIGNAL_BACKUPS_REPAIR)")
        observation = observe_expected_days(
            observed(backup_store.vault()),
            backup_store.retention_profile(),
            clock,
            start_date=current.start_date,
            start_date_is_set=current.start_date_is_set,
        )
        days = dagster_days(context.instance, daily_partitions(current.start_date), observation.days)
        plan = plan_repair(observation, days, _attempts(context), now)
        return dg.SensorResult(
            run_requests=[_request(attempt) for attempt in plan.requested],
            skip_reason=None if plan.requested else _reason(plan, observation),
            cursor=plan.attempts.model_dump_json(),
        )

    return stale_partitions


def _end_stuck_runs(context: dg.SensorEvaluationContext, now: datetime) -> None:
    """Otherwise their days would be in progress for ever; the alert sensor notifies people of them."""
    for run in end_stuck_runs(context.instance, now):
        context.log.warning(f"ended run {run.run_id}: no sign of life since {run.silent_since:%Y-%m-%d %H:%M:%S}Z")


def _request(attempt: Attempt) -> dg.RunRequest:
    # Dagster starts only one run for a run key, ever: with the time in it, the same day can be repaired again later.
    key = f"repair/{attempt.first}/{attempt.last}/{attempt.times}/{attempt.at:%Y%m%dT%H%M%SZ}"
    return dg.RunRequest(run_key=key, tags=range_tags(attempt.first, attempt.last))


def _reason(plan: Plan, observation: Observation) -> str:
    left = {state: days for state in _LEFT_TO_PEOPLE if (days := observation.in_state(state))}
    if not plan.stale and not left:
        return f"all {len(observation.days)} days are as they should be ({observation.requests} requests)"
    deleted = "".join(
        f"; {state}, left to people, see {command_for(state, days)}: {', '.join(map(str, ranges_of(days)))}"
        for state, days in left.items()
    )
    given_up = ", ".join(str(each) for each in ranges_of(plan.given_up))
    words = f"; attempts used up, somebody has to look: {given_up}" if given_up else ""
    return f"{len(plan.stale)} days are stale and in progress or waiting for their next attempt{words}{deleted}"


def _attempts(context: dg.SensorEvaluationContext) -> Attempts:
    try:
        return Attempts.model_validate_json(context.cursor or "{}")
    except ValidationError:
        context.log.warning("the cursor cannot be read: every attempt counts as the first one")
        return Attempts()
