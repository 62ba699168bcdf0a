"""A range run of many days on a fresh Dagster instance: the real assets, or empty ones of the same shape.

Run by ``backfill_year``, which sets the environment: the settings, and ``DAGSTER_HOME``.
"""

import os
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from benchmarks.measuring import Figures
from benchmarks.signal_tables import DAY
from signal_backups.core.config.settings import load_settings
from signal_backups.orchestration.assets import partition_events
from signal_backups.orchestration.assets.daily_backup_checks import CheckAnswer, check_specs
from signal_backups.orchestration.for_cli.launch import run_backup
from signal_backups.orchestration.instance.home import persistent_instance
from signal_backups.orchestration.names import BACKUP_ASSETS
from signal_backups.orchestration.partitions import daily_partitions, range_tags

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_DATA_VERSION = "0" * 64


def main(side: str, days: int) -> None:
    first = DAY - timedelta(days=days - 1)
    figures = Figures(facts={"days": days})
    with persistent_instance(Path(os.environ["DAGSTER_HOME"])) as instance:
        with figures.stage("run"):
            if side == "real":
                _run_real(instance, first)
            else:
                _run_empty(instance, first)
        figures.facts["materializations"] = sum(
            len(instance.get_materialized_partitions(asset_key)) for asset_key in BACKUP_ASSETS
        )
    figures.report()


def _run_real(instance: dg.DagsterInstance, first: date) -> None:
    result = run_backup(instance, first, DAY)
    if result.failures or result.failed_checks or not all(result.stored.values()):
        raise SystemExit(f"the benchmark's own days do not back up: {result.failures} {result.failed_checks}")


def _run_empty(instance: dg.DagsterInstance, first: date) -> None:
    defs = dg.Definitions(
        assets=[_empty_assets(load_settings().start_date)],
        jobs=[dg.define_asset_job("empty_job", selection=dg.AssetSelection.assets(*BACKUP_ASSETS))],
        executor=dg.in_process_executor,
    )
    job = defs.resolve_job_def("empty_job")
    job.execute_in_process(instance=instance, run_config=_QUIET, tags=range_tags(first, DAY))


def _empty_assets(start: date) -> dg.AssetsDefinition:
    """Assets and checks of the real shape, which emit the same events, a day at a time, and do no work."""
    partitions = daily_partitions(start)

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(asset, deps=BACKUP_ASSETS[position - 1 : position], partitions_def=partitions, skippable=True)
            for position, asset in enumerate(BACKUP_ASSETS)
        ],
        check_specs=check_specs(partitions),
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def empty(context: dg.AssetExecutionContext) -> Iterator[Any]:
        for key in context.partition_keys:
            for asset in BACKUP_ASSETS:
                yield partition_events.materialization(asset, date.fromisoformat(key), {"rows": 0}, _DATA_VERSION)
                answers = [
                    CheckAnswer(check, passed=True, description="nothing was checked", metadata={"rows": 0})
                    for check in context.selected_asset_check_keys
                    if check.asset_key == asset
                ]
                yield from partition_events.evaluations(context.instance, answers, date.fromisoformat(key))
            context.log.info(f"{key} done")

    return empty


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
