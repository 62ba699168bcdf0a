"""One test's database, bucket, settings and Dagster instance, runs in it, and what Dagster recorded of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecordStatus,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from signal_backups.core.base.days import days_between, utc_now
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.source import SignalSource, open_source
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.build import build_defs
from signal_backups.orchestration.names import BACKUP_ASSETS, DAILY_BACKUP_JOB
from signal_backups.orchestration.partitions import range_tags
from signal_backups.orchestration.resources import SettingsSource, SignalsDatabase
from signal_backups_tests.orchestration.faulty import GivenDatabase, GivenStore
from signal_backups_tests.orchestration.signals import FIRST_DAY, SignalsTable
from signal_backups_tests.servers.s3 import create_versioned_bucket
from signal_backups_tests.servers.strict_s3 import StrictS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "backups"
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
FAILED, MATERIALIZED = AssetPartitionStatus.FAILED, AssetPartitionStatus.MATERIALIZED
CHECK_PASSED, CHECK_FAILED = AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED

DayStatuses = dict[date, AssetPartitionStatus | None]


@dataclass(frozen=True)
class World:
    """Where a test's runs happen."""

    instance: dg.DagsterInstance
    table: SignalsTable
    source: SignalSource
    vault: BackupVault
    scratch: Path

    def overrides(self, source: SignalSource | None = None, vault: BackupVault | None = None) -> dict[str, Any]:
        """Resources on the world's database and bucket, unless others are given."""
        return {
            "signals_database": GivenDatabase(source or self.source),
            "backup_store": GivenStore(vault or self.vault),
        }

    def named_database(self) -> dict[str, Any]:
        """The world's database as a resource that knows its URL, which a drill needs."""
        return {"signals_database": SignalsDatabase(settings=SettingsSource(), url=self.table.url)}

    def run(
        self,
        first: date,
        last: date | None = None,
        *,
        source: SignalSource | None = None,
        vault: BackupVault | None = None,
        assets: Sequence[dg.AssetKey] = BACKUP_ASSETS,
        retry_policy: dg.RetryPolicy | None = None,
        config: dict[str, Any] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run the job for a day, or as one run for a range of days."""
        defs = build_defs(resource_overrides=self.overrides(source, vault), retry_policy=retry_policy)
        days: dict[str, Any] = {"tags": range_tags(first, last)} if last else {"partition_key": first.isoformat()}
        return defs.resolve_job_def(DAILY_BACKUP_JOB).execute_in_process(
            instance=self.instance,
            asset_selection=list(assets),
            run_config={"loggers": QUIET, "ops": {"daily_backup": {"config": config or {}}}},
            raise_on_error=False,
            **days,
        )

    def run_without_checks(self, day: date) -> dg.ExecuteInProcessResult:
        """Materialize the assets of a day and ask none of their checks."""
        defs = build_defs(resource_overrides=self.overrides(), retry_policy=None)
        job = dg.define_asset_job("unchecked", dg.AssetSelection.assets(*BACKUP_ASSETS).without_checks())
        return (
            dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
            .resolve_job_def("unchecked")
            .execute_in_process(
                instance=self.instance,
                run_config={"loggers": QUIET},
                raise_on_error=False,
                partition_key=day.isoformat(),
            )
        )

    def run_tagged(self, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
        """Run the job with the tags of a run request."""
        defs = build_defs(resource_overrides=self.overrides(), retry_policy=None)
        return defs.resolve_job_def(DAILY_BACKUP_JOB).execute_in_process(
            instance=self.instance, run_config={"loggers": QUIET}, raise_on_error=False, tags=tags
        )

    def in_bucket(self, client: S3Client, bucket: str) -> World:
        """The same database and instance, a bucket elsewhere."""
        return replace(self, vault=BackupVault(S3ObjectStore(client, bucket), Layout()))

    def on(self, instance: dg.DagsterInstance) -> World:
        """The same database and bucket, another instance."""
        return replace(self, instance=instance)

    def store_versions(self) -> list[tuple[str, str]]:
        """Key and version of every object version in the bucket, without the events: every run has some."""
        layout = self.vault.layout
        return [
            (version.key, version.version_id)
            for version in self.vault.store.list_versions("")
            if not version.key.startswith((layout.event_prefix, layout.probe_key))
        ]

    def partition_statuses(self, asset: dg.AssetKey, first: date, last: date) -> DayStatuses:
        """What Dagster shows of an asset's partitions."""
        keys = [day.isoformat() for day in days_between(first, last)]
        partitions = dg.DailyPartitionsDefinition(FIRST_DAY.isoformat(), timezone="UTC")
        statuses = self.instance.get_status_by_partition(asset, keys, partitions) or {}
        return {date.fromisoformat(key): status for key, status in statuses.items()}

    def check_infos(self, check: dg.AssetCheckKey) -> dict[str | None, AssetCheckPartitionInfo]:
        """What Dagster shows of a check's partitions."""
        infos = self.instance.event_log_storage.get_asset_check_partition_info([check])
        return {info.partition_key: info for info in infos}

    def check_days(self, check: dg.AssetCheckKey, status: AssetCheckExecutionRecordStatus) -> set[date]:
        """The days for which a check has a status."""
        infos = self.check_infos(check)
        return {date.fromisoformat(str(key)) for key, info in infos.items() if info.latest_execution_status is status}


def own_settings(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """No ``.env`` in the working folder, a home of its own, a fixed first day."""
    patch.chdir(folder)
    patch.setenv("SIGNAL_BACKUPS_HOME", str(folder / "home"))
    patch.setenv("SIGNAL_BACKUPS_START_DATE", FIRST_DAY.isoformat())


def empty_s3() -> StrictS3:
    """An S3 in memory with an empty, versioned bucket."""
    s3 = StrictS3(utc_now)
    create_versioned_bucket(s3.client(), BUCKET)
    return s3


def empty_world(folder: Path, instance: dg.DagsterInstance) -> World:
    """A world in a folder and in an S3 in memory, under ``own_settings``."""
    return world_in(folder, empty_s3(), instance)


def world_in(folder: Path, s3: StrictS3, instance: dg.DagsterInstance) -> World:
    """A world of what a folder and a bucket hold, be it nothing."""
    table = SignalsTable(folder / "signals.db")
    return World(
        instance=instance,
        table=table,
        source=open_source(table.url, "signals"),
        vault=BackupVault(S3ObjectStore(s3.client(max_attempts=5), BUCKET), Layout()),
        scratch=folder / "home" / "scratch",
    )


def materializations(result: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> list[dg.AssetMaterialization]:
    """Every materialization of an asset in a run."""
    events = result.all_events
    return [e.materialization for e in events if e.is_step_materialization and e.asset_key == asset]


def materialized_days(result: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> list[date]:
    """The day of every materialization of an asset in a run, in their order."""
    return [date.fromisoformat(str(event.partition)) for event in materializations(result, asset)]


def evaluations(
    result: dg.ExecuteInProcessResult, check: dg.AssetCheckKey | None = None
) -> list[dg.AssetCheckEvaluation]:
    """Every answer of a check (of all checks) in a run."""
    found = result.get_asset_check_evaluations()
    return [evaluation for evaluation in found if check in (None, evaluation.asset_check_key)]


def metadata_of(event: dg.AssetMaterialization | dg.AssetCheckEvaluation) -> dict[str, Any]:
    """Metadata as plain values."""
    return {name: value.value for name, value in event.metadata.items()}


def table_rows(value: dg.MetadataValue) -> list[dict[str, Any]]:
    """The rows of table metadata."""
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def days_without(first: date, last: date, excluded: Iterable[date]) -> list[date]:
    """A range of days, less some."""
    skipped = set(excluded)
    return [day for day in days_between(first, last) if day not in skipped]
