"""A tick of the sensors that watch seven years: what it takes beside the S3 requests it cannot do without.

Prints, for every round, the seconds of both ticks, of the observation within, and the ratio of the first to the last:
what is above 1 is Dagster's. All days are on a real S3 server and in a real instance, each with a check answered.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg

from benchmarks.backfill_year import running_server
from benchmarks.measuring import print_load, print_table, work_folder
from benchmarks.retention_audit import store_days
from signal_backups.core.base.days import ONE_DAY, days_between
from signal_backups.core.base.objectives import due_at
from signal_backups.core.config.expected_days import observe_expected_days
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention.profile import DEFAULT_PROFILE, Profile
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.assets.daily_backup_checks import STORED_HASHES_VERIFY
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import BACKUP_OBJECT

LAST_DAY = date(2025, 12, 30)
SENSORS = ("stale_partition_sensor", "alert_sensor")


@dataclass(frozen=True)
class GivenStore:
    """Stands in for the resource ``backup_store``."""

    given: BackupVault

    def vault(self, run_id: str = "") -> BackupVault:
        """The vault as it is, whichever run asks."""
        del run_id
        return self.given

    def retention_profile(self) -> Profile:
        """The profile without any setting."""
        return load_profile(DEFAULT_PROFILE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2555)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the server keeps its data; by default it is thrown away")
    arguments = parser.parse_args()
    first = LAST_DAY - (arguments.days - 1) * ONE_DAY
    days = list(days_between(first, LAST_DAY))
    os.environ["SIGNAL_BACKUPS_START_DATE"] = first.isoformat()
    with (
        work_folder(arguments.folder) as folder,
        running_server(folder / "s3") as server,
        TemporaryDirectory() as home,
        dg.DagsterInstance.local_temp(home) as instance,
    ):
        connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
        vault = BackupVault(S3ObjectStore(s3_client(connection), "watching"), Layout())
        vault.store.configuration.create()
        vault.store.configuration.enable_versioning()
        store_days(vault, days, folder)
        record_days(instance, days)
        rows = [row(number, vault, instance, first) for number in range(1, arguments.rounds + 1)]
    print_table(["round", *[f"{name} s" for name in SENSORS], "observation s", "ratio"], rows)


def record_days(instance: dg.DagsterInstance, days: list[date]) -> None:
    """Let Dagster hold every day, materialized and with one check passed."""
    check = STORED_HASHES_VERIFY
    for day in days:
        key = day.isoformat()
        instance.report_runless_asset_event(dg.AssetMaterialization(BACKUP_OBJECT, partition=key))
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=check.asset_key, check_name=check.name, passed=True, partition=key)
        )


def row(number: int, vault: BackupVault, instance: dg.DagsterInstance, first: date) -> list[str]:
    """Both ticks and the observation, one after the other."""
    print_load()
    now = due_at(LAST_DAY) + timedelta(hours=3)
    overrides: dict[str, Any] = {"backup_store": GivenStore(vault)}
    defs = build_defs(resource_overrides=overrides, clock=lambda: now)
    seconds = [tick_seconds(defs, name, instance) for name in SENSORS]
    observation = observation_seconds(vault, first, now)
    figures = [f"{each:.2f}" for each in (*seconds, observation, seconds[0] / observation)]
    return [str(number), *figures]


def tick_seconds(defs: dg.Definitions, name: str, instance: dg.DagsterInstance) -> float:
    repository = defs.get_repository_def()
    with dg.build_sensor_context(instance, repository_def=repository, resources=defs.resources) as context:
        started = time.perf_counter()
        found = repository.get_sensor_def(name).evaluate_tick(context)
        print(f"{name}: {found.skip_message}", flush=True)
        return time.perf_counter() - started


def observation_seconds(vault: BackupVault, first: date, now: datetime) -> float:
    started = time.perf_counter()
    observe_expected_days(vault, load_profile("documented"), lambda: now, start_date=first, start_date_is_set=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
