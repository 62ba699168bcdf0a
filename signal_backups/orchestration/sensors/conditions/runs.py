"""Runs that failed: days of the backup by cause, and watching assets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from signal_backups.core.base.errors import (
    UPLOAD_CODES,
    ReadBackError,
    SourceError,
    VerificationError,
    code_from_stored,
)
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.storage_conditions import counted, settled
from signal_backups.core.vault.day_state import DayState, command_for
from signal_backups.orchestration.failures import DayFailure, day_failures
from signal_backups.orchestration.sensors.conditions.snapshot import InstanceSnapshot

#: The lookback window: how many failed runs are read to find out why days failed.
MAX_RUNS = 25

#: Why a day was not backed up: the kind of condition, and its words for one day and for several.
_UPLOAD = ("upload", "could not be stored", "could not be stored")
_VERIFICATION = ("verification", "did not verify", "did not verify")
_CAUSES = {
    **dict.fromkeys(UPLOAD_CODES, _UPLOAD),
    SourceError.code: ("source", "could not be read from the database", "could not be read from the database"),
    ReadBackError.code: _VERIFICATION,
    VerificationError.code: _VERIFICATION,
}
_OTHERWISE = ("run", "failed", "failed")


@dataclass(frozen=True)
class _Failure:
    """Why a day failed, in which run, and when (UTC)."""

    day: date
    cause: tuple[str, str, str]
    reason: str
    run_id: str
    at: datetime


def backup_run_conditions(snapshot: InstanceSnapshot) -> Iterator[Condition]:
    """Days whose last backup failed, one condition for each kind of cause."""
    failures = list(_failures(snapshot))
    explained = {failure.day for failure in failures}
    groups: dict[tuple[str, str, str], set[date]] = {cause: set() for cause in {*_CAUSES.values(), _OTHERWISE}}
    for failure in failures:
        groups[failure.cause].add(failure.day)
    # Of the days of stuck runs people are notified in a condition of their own.
    for day in snapshot.failed - snapshot.stuck_days - explained:
        groups[_notified_cause(snapshot, day)].add(day)
    for cause, found in groups.items():
        key = f"backup/{cause[0]}"
        days = settled(snapshot.state, key, found, snapshot.busy)
        if not days:
            continue
        newest = next((failure for failure in failures if failure.cause == cause), None)
        yield Condition(
            key=key,
            severity=AlertSeverity.CRITICAL,
            what=f"{counted(days, *cause[1:])}: {newest.reason if newest else 'see its runs'}",
            days=Days.of(days),
            since=min((failure.at for failure in failures if failure.cause == cause), default=None),
            command=command_for(DayState.STUCK, days),
            link=snapshot.link(newest.run_id) if newest else "",
        )


def stuck_run_conditions(snapshot: InstanceSnapshot) -> Iterator[Condition]:
    """Runs that gave no sign of life for some minutes, with the days that they did not finish."""
    if not snapshot.stuck:
        return
    days, newest = sorted(snapshot.stuck_days), max(snapshot.stuck, key=lambda run: run.silent_since)
    words = "1 run is stuck" if len(snapshot.stuck) == 1 else f"{len(snapshot.stuck)} runs are stuck"
    yield Condition(
        key="run/stuck",
        severity=AlertSeverity.CRITICAL,
        what=f"{words}: no sign of life of run {newest.run_id} since {newest.silent_since:%Y-%m-%d %H:%M}Z",
        days=Days.of(days),
        since=min(run.silent_since for run in snapshot.stuck),
        command=command_for(DayState.STUCK, days) if days else "",
        link=snapshot.link(newest.run_id),
    )


def asset_run_conditions(snapshot: InstanceSnapshot) -> Iterator[Condition]:
    """Watching assets whose last run failed. While one runs, or if it was cancelled, its alert stays as it is."""
    entries = [record.asset_entry for record in snapshot.instance.get_asset_records(snapshot.watching_assets)]
    run_ids = [entry.last_run_id for entry in entries if entry.last_run_id]
    if not run_ids:
        return
    records = {record.dagster_run.run_id: record for record in _run_records(snapshot, dg.RunsFilter(run_ids=run_ids))}
    for entry in entries:
        key = f"run/{entry.asset_key.to_user_string()}"
        record = records.get(entry.last_run_id or "")
        if record is None:
            continue
        if record.dagster_run.status is dg.DagsterRunStatus.FAILURE:
            run_id = record.dagster_run.run_id
            yield Condition(
                key=key,
                severity=AlertSeverity.WARNING,
                what=f"{entry.asset_key.to_user_string()} failed: {_reason(_failure_events(snapshot, run_id))}",
                since=_ended(record),
                link=snapshot.link(run_id),
            )
        elif record.dagster_run.status is not dg.DagsterRunStatus.SUCCESS and key in snapshot.state.open:
            yield snapshot.state.open[key].condition


def _failures(snapshot: InstanceSnapshot) -> Iterator[_Failure]:
    """Why days failed, each day once, from its newest failed run."""
    left = set(snapshot.failed)
    if not left:
        return
    for record in _run_records(snapshot, dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])):
        run_id = record.dagster_run.run_id
        for failure in day_failures(_failure_events(snapshot, run_id)):
            if failure.day in left:
                left.discard(failure.day)
                yield _Failure(failure.day, _cause(failure), failure.reason, run_id, _ended(record))


def _cause(failure: DayFailure) -> tuple[str, str, str]:
    return _CAUSES.get(code_from_stored(failure.error), _OTHERWISE)


def _notified_cause(snapshot: InstanceSnapshot, day: date) -> tuple[str, str, str]:
    """Last notified cause of a day whose failed run left the lookback window; the alert stays open."""
    return next(
        (cause for cause in _CAUSES.values() if snapshot.state.has_notified(f"backup/{cause[0]}", day)), _OTHERWISE
    )


def _run_records(snapshot: InstanceSnapshot, filters: dg.RunsFilter) -> Iterable[dg.RunRecord]:
    return snapshot.instance.get_run_records(filters, limit=MAX_RUNS)


def _failure_events(snapshot: InstanceSnapshot, run_id: str) -> list[dg.DagsterEvent]:
    entries = snapshot.instance.all_logs(
        run_id, of_type={dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    )
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]


def _reason(events: Iterable[dg.DagsterEvent]) -> str:
    """The message of the step; that of the run if no step failed."""
    words = [
        (event.step_failure_data.user_failure_data.description if event.step_failure_data.user_failure_data else None)
        or event.step_failure_data.error_display_string
        for event in events
        if event.is_step_failure
    ] or [event.message or "" for event in events]
    return words[0] if words else "no reason given"


def _ended(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
