"""The asset ``undated_signals``: the rows of the database that belong to no partition, kept in one object."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.backup.scratch import Scratch
from signal_backups.core.backup.undated import keep_undated
from signal_backups.core.backup.undated_tables import Partitions
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.undated_rows import UndatedRows
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import SIGNALS_TABLE, UNDATED_SIGNALS
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase

EVERY_ROW_HAS_A_DAY = "every_row_has_a_day"


def _examine(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[SettingsSource],
    signals_database: SignalsDatabase,
    backup_store: BackupStore,
) -> Iterator[dg.MaterializeResult[Any]]:
    current, vault = settings.load(), backup_store.vault(context.run.run_id)
    today = vault.store.clock().date()
    with Scratch(current.scratch).day(context.run.run_id, today) as folder:
        partitions = Partitions(current.start_date, today)
        undated = keep_undated(vault, signals_database.open(), folder.path, partitions)
    yield dg.MaterializeResult(metadata=_metadata(undated, vault.store), check_results=[_result(undated)])


def _metadata(undated: UndatedRows, store: S3ObjectStore) -> dict[str, Any]:
    stored = undated.stored
    return {
        "rows_in_database": undated.in_database,
        "rows_kept": undated.rows,
        "object": f"{store.uri(stored.key)} version {stored.version_id}" if stored else "none was ever needed",
        "first_rows": _table(undated),
    }


def _table(undated: UndatedRows) -> dg.TableMetadataValue:
    columns = ("signal_id", "timestamp", "reason")
    records = [dg.TableRecord({name: str(getattr(row, name)) for name in columns}) for row in undated.named]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]))


def _result(undated: UndatedRows) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=EVERY_ROW_HAS_A_DAY,
        passed=not undated.in_database,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"undated rows in the database, {undated}" if undated.in_database else "every row has a day",
        metadata={"remedy": "Correct their timestamps; see the rows with: signal-backups quarantine"},
    )


undated_signals = build_watching_asset(
    WatchingSpec(
        key=UNDATED_SIGNALS,
        description="Which rows belong to no day? Rows whose timestamp names no day, or one before the start date or "
        "in the future, are in no partition. They are kept in one object, which never loses a row.",
        checks={EVERY_ROW_HAS_A_DAY: "Every row of the database belongs to today or to a day that has a partition."},
        job_description="Keep the rows that belong to no day.",
        schedule_description="Keeps the rows that belong to no day, after the daily backup.",
        cron="20 2 * * *",
        max_age=MAX_BACKUP_AGE,
        deps=(SIGNALS_TABLE,),
        kinds=frozenset({"sql", "s3"}),
    ),
    _examine,
)
