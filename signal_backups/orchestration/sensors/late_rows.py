"""The sensor that backs up days again after late signals, and after changes in the database."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from signal_backups.core.backup.changed_days import compare_with_source
from signal_backups.core.base.day_ranges import DayRange
from signal_backups.core.base.days import LATE_WINDOW_DAYS, last_complete_day
from signal_backups.orchestration.instance.dagster_types import AssetJob
from signal_backups.orchestration.instance.last_comparison import last_comparison
from signal_backups.orchestration.names import LATE_ROWS_SENSOR, ROLLING_RECONCILIATION
from signal_backups.orchestration.resources import BackupStore, SignalsDatabase, observed

#: How often the last days are read; only ids and hashes of one week are.
LATE_ROWS_INTERVAL_S = 15 * 60


def late_rows_sensor(job: AssetJob, start: date) -> dg.SensorDefinition:
    """Requests a run for each day that changed in the database after its backup, once for each change."""

    @dg.sensor(
        job=job,
        name=LATE_ROWS_SENSOR,
        minimum_interval_seconds=LATE_ROWS_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Watches the last {LATE_WINDOW_DAYS} days, and the older ones that "
        f"{ROLLING_RECONCILIATION.to_user_string()} found: a day whose ids or hashes changed is backed up again.",
    )
    def late_rows(
        context: dg.SensorEvaluationContext, signals_database: SignalsDatabase, backup_store: BackupStore
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        last = last_complete_day()
        days = DayRange(max(start, last - timedelta(days=LATE_WINDOW_DAYS - 1)), last)
        changed = dict(last_comparison(context.instance).changed)
        # Hidden and destroyed days are left to people, and nothing is known of days without a genuine manifest.
        compared = compare_with_source(observed(backup_store.vault()), signals_database.open(), days)
        changed |= {each.day: each.name for each in compared.changed}
        for day, name in changed.items():
            # Dagster starts no second run of the same key.
            yield dg.RunRequest(run_key=f"late-rows/{name}", partition_key=day.isoformat())
        if not changed:
            yield dg.SkipReason(f"no day from {days.first} to {days.last} changed since it was backed up")

    return late_rows
