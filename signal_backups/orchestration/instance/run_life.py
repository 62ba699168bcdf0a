"""Runs that no longer give signs of life: which they are, and ending them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from signal_backups.core.base.objectives import MAX_RUN_SILENCE
from signal_backups.orchestration.names import BACKUP_ASSETS, JOBS, WATCHING_ASSETS
from signal_backups.orchestration.partitions import days_of_tags

#: A run in one of these has a process, or had one. Dagster's own monitoring ends those that are never started.
_WORKING = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_UNFINISHED = [*_WORKING, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED]
#: Runs of several assets that no job of ours names: from the asset pages of the UI.
_ASSET_JOB_PREFIX = "__ASSET_JOB"

_ASSETS = {*BACKUP_ASSETS, *WATCHING_ASSETS}

#: Tags of a run that was ended because it was stuck.
STUCK_TAG = "signal_backups/stuck"
_SILENT_SINCE_TAG = "signal_backups/silent_since"
#: The lookback window: how many ended runs are read.
_MAX_ENDED = 25


@dataclass(frozen=True)
class StuckRun:
    """A run without signs of life.

    Attributes:
        run_id: the run.
        silent_since: its last sign of life (UTC).
        days: all days that it covers; none for the run of a watching asset.
    """

    run_id: str
    silent_since: datetime
    days: frozenset[date]


def stuck_runs(instance: dg.DagsterInstance, now: datetime) -> list[StuckRun]:
    """Our runs that have a process, as far as Dagster knows, and gave no sign of life for ``MAX_RUN_SILENCE``."""
    found = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_WORKING)):
        run, sign = record.dagster_run, _last_sign(instance, record)
        if _is_ours(run) and now - sign >= MAX_RUN_SILENCE:
            found.append(StuckRun(run.run_id, sign, days_of_tags(run.tags)))
    return found


def days_of_other_runs(instance: dg.DagsterInstance, stuck: Iterable[StuckRun]) -> set[date]:
    """The days of unfinished runs that are not among these."""
    known = {run.run_id for run in stuck}
    runs = instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    return {day for run in runs if run.run_id not in known for day in days_of_tags(run.tags)}


def end_stuck_runs(instance: dg.DagsterInstance, now: datetime) -> list[StuckRun]:
    """Mark stuck runs as failed, and return them: their days then count as failed, not as in progress."""
    found = stuck_runs(instance, now)
    for run in found:
        _end(instance, run)
    return found


def ended_as(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """How somebody ended a run that still works; None: nobody did."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return "deleted"
    is_ended = run.is_finished or run.status is dg.DagsterRunStatus.CANCELING
    return run.status.value.lower() if is_ended else None


def ended_since(instance: dg.DagsterInstance, instant: datetime) -> list[StuckRun]:
    """The stuck runs that were ended at an instant (UTC) or later."""
    ended = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={STUCK_TAG: "true"})
    return [
        StuckRun(
            record.dagster_run.run_id,
            datetime.fromisoformat(record.dagster_run.tags[_SILENT_SINCE_TAG]),
            days_of_tags(record.dagster_run.tags),
        )
        for record in instance.get_run_records(ended, limit=_MAX_ENDED)
        if record.end_time is not None and record.end_time >= instant.timestamp()
    ]


def _last_sign(instance: dg.DagsterInstance, record: dg.RunRecord) -> datetime:
    newest = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    if newest:
        return datetime.fromtimestamp(newest[0].timestamp, UTC)
    return record.create_timestamp.astimezone(UTC)


def _is_ours(run: dg.DagsterRun) -> bool:
    """Others may share the instance."""
    if run.job_name.startswith(_ASSET_JOB_PREFIX):
        return bool(run.asset_selection) and set(run.asset_selection or ()) <= _ASSETS
    return run.job_name in JOBS


def _end(instance: dg.DagsterInstance, stuck: StuckRun) -> None:
    run = instance.get_run_by_id(stuck.run_id)
    if run is None or run.is_finished:
        return  # it came to its end meanwhile
    instance.add_run_tags(stuck.run_id, {STUCK_TAG: "true", _SILENT_SINCE_TAG: stuck.silent_since.isoformat()})
    instance.report_run_failed(run, f"The run is stuck: no sign of life since {stuck.silent_since:%Y-%m-%d %H:%M:%S}Z")
