"""The factory of the watching assets: each with its checks, its job and its schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

import dagster as dg

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_EXAMINATION_TIME
from signal_backups.orchestration.assets.heartbeat import Heartbeat
from signal_backups.orchestration.instance.dagster_types import AssetJob
from signal_backups.orchestration.names import BACKUP_OBJECT, BUCKET_GROUP, OWNERS, job_name, schedule_name


@dataclass(frozen=True, kw_only=True)
class WatchingSpec:
    """What a watching asset is, apart from its examination.

    Attributes:
        key: the asset; its job and its schedule are named after it.
        description: of the asset, the question that it answers first.
        checks: name and description of each check.
        job_description: what one run does.
        schedule_description: what is done at each tick.
        cron: when (UTC).
        max_age: the asset is not fresh when its last run is older.
        deps: the assets that it depends on.
        group: where the UI shows it.
        kinds: the icons of the asset in the UI.
    """

    key: dg.AssetKey
    description: str
    checks: Mapping[str, str]
    job_description: str
    schedule_description: str
    cron: str
    max_age: timedelta
    deps: Sequence[dg.AssetKey] = (BACKUP_OBJECT,)
    group: str = BUCKET_GROUP
    kinds: frozenset[str] = frozenset({"s3"})


@dataclass(frozen=True)
class WatchingAsset:
    """What Dagster needs to know of a watching asset."""

    asset: dg.AssetsDefinition
    job: AssetJob
    schedule: dg.ScheduleDefinition


Examine = Callable[..., Iterator[dg.MaterializeResult[Any]]]


def build_watching_asset(spec: WatchingSpec, examine: Examine) -> WatchingAsset:
    """A watching asset with its job and its schedule, which is on.

    Args:
        spec: what it is.
        examine: one run. Its parameters are those of a Dagster asset: context, config, resources. A
            ``SignalBackupsError`` fails the run; what it finds goes into the results of the checks.
    """
    job = dg.define_asset_job(
        job_name(spec.key), selection=dg.AssetSelection.assets(spec.key), description=spec.job_description
    )
    schedule = dg.ScheduleDefinition(
        job=job,
        name=schedule_name(spec.key),
        cron_schedule=spec.cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=spec.schedule_description,
    )
    return WatchingAsset(_asset(spec, examine), job, schedule)


def _asset(spec: WatchingSpec, examine: Examine) -> dg.AssetsDefinition:
    define = dg.asset(
        key=spec.key,
        deps=spec.deps,
        group_name=spec.group,
        owners=OWNERS,
        kinds=set(spec.kinds),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=spec.max_age),
        description=spec.description,
        check_specs=[
            dg.AssetCheckSpec(name, asset=spec.key, description=description)
            for name, description in spec.checks.items()
        ],
    )
    return define(_with_signs_of_life(failing_in_plain_words(examine)))


def _with_signs_of_life(examine: Examine) -> Examine:
    @wraps(examine)  # Dagster reads the parameters of the wrapped function.
    def examine_alive(*arguments: Any, **resources: Any) -> Iterator[dg.MaterializeResult[Any]]:
        context = dg.AssetExecutionContext.get()
        with Heartbeat(context.instance, context.run, patience=MAX_EXAMINATION_TIME):
            yield from examine(*arguments, **resources)

    return examine_alive


def failing_in_plain_words(examine: Examine) -> Examine:
    """The UI and the alerts show the error's own message, without a stack trace."""

    @wraps(examine)
    def examine_or_fail(*arguments: Any, **resources: Any) -> Iterator[dg.MaterializeResult[Any]]:
        try:
            yield from examine(*arguments, **resources)
        except SignalBackupsError as error:
            raise dg.Failure(description=str(error), allow_retries=error.transient) from error

    return examine_or_fail
