"""The sensor that backs up days again after late signals, and after changes in the database."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from signal_backups.core.backup.fingerprint import fingerprint_of_source
from signal_backups.core.base.days import LATE_WINDOW_DAYS, last_complete_day
from signal_backups.orchestration.instance.dagster_types import AssetJob
from signal_backups.orchestration.names import LATE_ROWS_SENSOR
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
        description=f"Watches the last {LATE_WINDOW_DAYS} days: a day whose ids or hashes changed is backed up again.",
    )
    def late_rows(
        context: dg.SensorEvaluationContext, signals_database: SignalsDatabase, backup_store: BackupStore
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        del context
        last = last_complete_day()
        first = max(start, last - timedelta(days=LATE_WINDOW_DAYS - 1))
        source = signals_database.open()
        changed = False
        # Hidden and destroyed days are left to people, and nothing is known of days without a genuine manifest.
        for day, stored in observed(backup_store.vault()).stored_days(first, last).items():
            manifest = stored.newest
            if manifest is None or stored.current is None:
                continue
            now = fingerprint_of_source(source, day)
            if now != manifest.fingerprint:
                changed = True
                # The manifest is part of the key, so that a change back to an earlier state gets a run too.
                written = manifest.number or manifest.backup.version_id
                yield dg.RunRequest(
                    run_key=f"late-rows/{day}/{written}/{now}",
                    partition_key=day.isoformat(),
                )
        if not changed:
            yield dg.SkipReason(f"no day from {first} to {last} changed since it was backed up")

    return late_rows
