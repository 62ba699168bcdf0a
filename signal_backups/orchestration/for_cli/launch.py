"""Running the backup job in this process, on a Dagster instance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import dagster as dg

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.failures import DayFailure, failed_days
from signal_backups.orchestration.names import BACKUP_OBJECT, DAILY_BACKUP, DAILY_BACKUP_JOB
from signal_backups.orchestration.partitions import range_tags

#: Somebody is waiting at the terminal: try again soon after errors that may pass, and not for long.
INTERACTIVE_RETRY_POLICY = dg.RetryPolicy(max_retries=2, delay=2)

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class FailedCheck:
    """A check that did not pass for a day."""

    day: date
    check: str
    is_error: bool
    description: str


@dataclass(frozen=True)
class BackupRunResult:
    """The result of a run.

    Attributes:
        run_id: the run in Dagster's instance.
        stored: days whose backup S3 now holds; True: the backup changed.
        failures: days that failed.
        failed_checks: checks that did not pass.
    """

    run_id: str
    stored: dict[date, bool]
    failures: list[DayFailure]
    failed_checks: list[FailedCheck]


def run_backup(
    instance: dg.DagsterInstance,
    first: date,
    last: date,
    *,
    run_id: str | None = None,
    accept_changes: str | None = None,
    resource_overrides: dict[str, Any] | None = None,
    on_stored: Callable[[date], None] = lambda _day: None,
) -> BackupRunResult:
    """Back up a range of days (both included) in one run, through the assets and checks.

    Args:
        instance: where the run is recorded.
        first: first day.
        last: last day.
        run_id: id of the run; None: a new one.
        accept_changes: see ``BackupRun``.
        resource_overrides: see ``build_defs``.
        on_stored: called with each day as its backup is stored, for progress.

    Raises:
        SignalBackupsError: the run failed outside of any day, which is a bug.
    """
    defs = build_defs(resource_overrides=resource_overrides, retry_policy=INTERACTIVE_RETRY_POLICY)
    run_id = run_id or new_run_id()

    def watch(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event and event.is_step_materialization and event.asset_key == BACKUP_OBJECT and event.partition:
            on_stored(date.fromisoformat(event.partition))

    instance.add_event_listener(run_id, watch)
    options = {"ops": {DAILY_BACKUP: {"config": {"accept_changes": accept_changes}}}} if accept_changes else {}
    result = defs.resolve_job_def(DAILY_BACKUP_JOB).execute_in_process(
        instance=instance, run_id=run_id, run_config=_QUIET | options, raise_on_error=False, **_partitions(first, last)
    )
    failures = failed_days(result)
    if not result.success and not failures:
        raise SignalBackupsError(
            f"run {result.run_id} failed", remedy=f"Read its log in the Dagster UI: {_reason(result)}"
        )
    return BackupRunResult(result.run_id, _stored(result), failures, _failed_checks(result))


def new_run_id() -> str:
    """An id for a run."""
    return str(uuid4())


def cancel_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record that a run of this process ends now; Dagster would show it as running for ever."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, "The command was interrupted; each of its days is stored whole or not at all")


def _partitions(first: date, last: date) -> dict[str, Any]:
    return {"partition_key": first.isoformat()} if first == last else {"tags": range_tags(first, last)}


def _stored(result: dg.ExecuteInProcessResult) -> dict[date, bool]:
    stored = {}
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key == BACKUP_OBJECT and event.partition:
            changed = event.materialization.metadata["changed"].value
            stored[date.fromisoformat(event.partition)] = bool(changed)
    return stored


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[FailedCheck]:
    return [
        FailedCheck(
            day=date.fromisoformat(check.partition or ""),
            check=check.check_name,
            is_error=check.severity is dg.AssetCheckSeverity.ERROR,
            description=check.description or "",
        )
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]


def _reason(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_failure:
            return str(event.message)
    return ""
