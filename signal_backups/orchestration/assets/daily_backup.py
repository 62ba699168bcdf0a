"""The backup assets ``signal_extract`` -> ``hashed_csv`` -> ``backup_object``, with one partition a UTC day.

They are one Dagster step. Dagster fails a step as a whole, so the step itself loops over the days: each day goes
through all stages before the next begins, a failed day stops no other, and scratch never holds more than one day.
The stages hand files to each other in the scratch folder, so a later asset cannot run without the earlier ones.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import RunEndedError, SignalBackupsError
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.orchestration.assets import partition_events
from signal_backups.orchestration.assets.daily_backup_checks import check_specs
from signal_backups.orchestration.assets.daily_backup_metadata import COLUMN_SCHEMA
from signal_backups.orchestration.assets.day_run import DayEvent, DayRun
from signal_backups.orchestration.assets.heartbeat import Heartbeat
from signal_backups.orchestration.failures import DayFailure, failure_of
from signal_backups.orchestration.instance.run_life import end_stuck_runs, ended_as
from signal_backups.orchestration.names import (
    BACKUP_ASSETS,
    BACKUP_GROUP,
    BACKUP_OBJECT,
    DAILY_BACKUP,
    HASHED_CSV,
    OWNERS,
    SIGNAL_EXTRACT,
    SIGNALS_TABLE,
)
from signal_backups.orchestration.partitions import BACKFILL_DAYS_PER_RUN
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase


class BackupConfig(dg.Config):
    """Options of one run."""

    verify_sample: int | None = Field(
        None, ge=1, description="Rows a day whose hashes are verified in what S3 returns; unset: every row."
    )
    accept_changes: str | None = Field(
        None,
        min_length=1,
        description="Why the database is taken as it is, although it altered or lost signals of the backup; recorded.",
    )


def signals_table() -> dg.AssetSpec:
    """The database table, which others write: an external asset."""
    return dg.AssetSpec(
        SIGNALS_TABLE,
        description="The producer's table of signals: read, never written. "
        "Named by SIGNALS_DATABASE_URL and SIGNALS_TABLE.",
        group_name=BACKUP_GROUP,
        owners=OWNERS,
        kinds={"sql"},
        metadata={"dagster/column_schema": COLUMN_SCHEMA},
    )


def backup_assets(partitions: dg.PartitionsDefinition, retry_policy: dg.RetryPolicy | None) -> dg.AssetsDefinition:
    """The backup assets with their checks.

    Args:
        partitions: the days.
        retry_policy: when to try again after an error that may pass; None: never.
    """
    checks = check_specs(partitions)
    outputs = {check.key: check.get_python_identifier() for check in checks}

    @dg.multi_asset(
        name=DAILY_BACKUP,
        specs=_specs(partitions),
        check_specs=checks,
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.multi_run(BACKFILL_DAYS_PER_RUN),
        retry_policy=retry_policy,
    )
    def daily_backup(
        context: dg.AssetExecutionContext,
        config: BackupConfig,
        settings: dg.ResourceParam[SettingsSource],
        signals_database: SignalsDatabase,
        backup_store: BackupStore,
    ) -> Iterator[Any]:
        days = _pending_days(context)
        run = DayRun(
            database=signals_database,
            store=backup_store,
            days=days,
            run=BackupRun(context.run.run_id, verify_sample=config.verify_sample, accept_changes=config.accept_changes),
            instance=context.instance,
            assets=frozenset(context.selected_asset_keys),
            checks=frozenset(context.selected_asset_check_keys),
        )
        scratch = _swept_scratch(context, settings.load().scratch)
        with Heartbeat(context.instance, context.run) as heartbeat:
            yield from _each_day(context, run, scratch, heartbeat)
        # Empty outputs: without them Dagster logs for every run that checks returned no output.
        yield from (dg.Output(None, outputs[check]) for check in sorted(run.checks))

    return daily_backup


def _each_day(
    context: dg.AssetExecutionContext, run: DayRun, scratch: Scratch, heartbeat: Heartbeat
) -> Iterator[DayEvent]:
    """Run every day, also after one failed; fail at the end if any did. A run that was ended begins no other day."""
    failures = []
    for number, day in enumerate(run.days):
        if (status := ended_as(context.instance, context.run.run_id)) is not None:
            failures += [DayFailure.of(left, _ended(context.run.run_id, status, left)) for left in run.days[number:]]
            break
        try:
            with scratch.day(context.run.run_id, day) as folder:
                for event in run.events(folder):
                    heartbeat.finished_something()
                    yield event
            context.log.info(f"{day} done")
        except SignalBackupsError as error:
            context.log.error(f"{day} failed: {error}")
            failures.append(DayFailure.of(day, error))
        except Exception as error:
            # A bug that one day triggers must not cost the other days their backup; the run fails all the same.
            context.log.exception(f"{day} failed unexpectedly")
            failures.append(DayFailure.of(day, SignalBackupsError(f"unexpected {type(error).__name__}: {error}")))
    if failures:
        raise failure_of(failures, len(context.partition_keys))


def _ended(run_id: str, status: str, day: date) -> RunEndedError:
    return RunEndedError(
        f"run {run_id} was ended in Dagster while it worked ({status}): {day} was not begun",
        remedy=f"See in the Dagster UI who ended it, and run it again: signal-backups backup {day}",
    )


def _pending_days(context: dg.AssetExecutionContext) -> list[date]:
    """The days of this run; on a retry, those that earlier attempts did not finish."""
    days = [date.fromisoformat(key) for key in context.partition_keys]
    if not context.retry_number:
        return days
    last = max(context.selected_asset_keys, key=BACKUP_ASSETS.index)
    done = partition_events.materialized_in_run(context.instance, last, days, context.run.run_id)
    return [day for day in days if day not in done]


def _swept_scratch(context: dg.AssetExecutionContext, root: Path) -> Scratch:
    """The scratch folder, without what finished runs left behind; stuck runs are ended first."""
    for stuck in end_stuck_runs(context.instance, utc_now()):
        context.log.warning(f"ended run {stuck.run_id}: no sign of life since {stuck.silent_since:%Y-%m-%d %H:%M:%S}Z")
    scratch = Scratch(root)

    def is_finished(run_id: str) -> bool | None:
        known = context.instance.get_run_by_id(run_id)
        return known.is_finished if known else None

    for run_id in scratch.sweep(is_finished):
        context.log.warning(f"removed the scratch files that run {run_id} had left behind")
    return scratch


def _specs(partitions: dg.PartitionsDefinition) -> list[dg.AssetSpec]:
    common: dict[str, Any] = {
        "group_name": BACKUP_GROUP,
        "owners": OWNERS,
        "partitions_def": partitions,
        "metadata": {"dagster/column_schema": COLUMN_SCHEMA},
        "skippable": True,
        # The policy counts from the newest materialization of any day, so a backfill of an old day satisfies it.
        # stale_partition_sensor and alert_sensor check each day.
        "freshness_policy": dg.FreshnessPolicy.time_window(fail_window=MAX_BACKUP_AGE),
    }
    return [
        dg.AssetSpec(
            SIGNAL_EXTRACT,
            deps=[SIGNALS_TABLE],
            description="Step 1: the signals of one UTC day. Read from the database in one snapshot.",
            kinds={"sql", "arrow"},
            **common,
        ),
        dg.AssetSpec(
            HASHED_CSV,
            deps=[SIGNAL_EXTRACT],
            description="Step 2: the day as CSV, every row checked. Bad rows are quarantined: kept apart, not lost.",
            kinds={"duckdb", "pandera", "csv"},
            **common,
        ),
        dg.AssetSpec(
            BACKUP_OBJECT,
            deps=[HASHED_CSV],
            description="Step 3: the day's backup in S3, read back, verified. Are we safe? Look at Partitions: a "
            "day is backed up when it is green. Status and Freshness are those of the newest run, whatever its day.",
            kinds={"s3", "csv"},
            **common,
        ),
    ]
