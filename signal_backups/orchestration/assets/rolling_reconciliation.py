"""The asset ``rolling_reconciliation``: has any old day changed in the database since its backup?

``late_rows_sensor`` asks for the backups of the days that it finds.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.backup.changed_days import (
    Comparison,
    begin_of_next_night,
    compare_with_source,
    days_of_tonight,
)
from signal_backups.core.base.day_ranges import ranges_of
from signal_backups.core.base.days import LATE_WINDOW_DAYS, last_complete_day
from signal_backups.core.base.objectives import COMPARISON_NIGHTS, MAX_BACKUP_AGE
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.instance.last_comparison import last_comparison, metadata_of
from signal_backups.orchestration.names import ROLLING_RECONCILIATION
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase

OLD_DAYS_UNCHANGED = "old_days_are_unchanged"


def _examine(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[SettingsSource],
    signals_database: SignalsDatabase,
    backup_store: BackupStore,
) -> Iterator[dg.MaterializeResult[Any]]:
    vault = backup_store.vault(context.run.run_id)
    first = max(settings.load().start_date, vault.kept_from)
    last = max(first, last_complete_day(vault.store.clock))
    days = days_of_tonight(first, last, last_comparison(context.instance).next_day)
    comparison = compare_with_source(vault, signals_database.open(), days)
    metadata = _metadata(comparison) | metadata_of(comparison, begin_of_next_night(days, last))
    yield dg.MaterializeResult(metadata=metadata, check_results=[_result(comparison)])


def _metadata(comparison: Comparison) -> dict[str, Any]:
    return {
        "days": str(comparison.days),
        "changed": ", ".join(str(each.day) for each in comparison.changed) or "none",
        "without_backup": ", ".join(map(str, ranges_of(comparison.without_backup))) or "none",
    }


def _result(comparison: Comparison) -> dg.AssetCheckResult:
    # A manifest without a fingerprint is of an earlier release: its day may well be the same.
    changed = [str(each.day) for each in comparison.changed if each.before is not None]
    found = f"differ from their fingerprints: {', '.join(changed)}" if changed else "none differs from its fingerprint"
    return dg.AssetCheckResult(
        check_name=OLD_DAYS_UNCHANGED,
        passed=not changed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"of {comparison.days}, {found}",
    )


rolling_reconciliation = build_watching_asset(
    WatchingSpec(
        key=ROLLING_RECONCILIATION,
        description="Did rows reach old days late? Compares ids and hashes of the database with the backups, a part of "
        f"all days each night, every day within {COMPARISON_NIGHTS} nights, and names the days that differ.",
        checks={
            OLD_DAYS_UNCHANGED: "None of the days compared last has other ids or hashes in the database than in its "
            "backup. Warns only: late_rows_sensor asks for another backup of each, which keeps what was there."
        },
        job_description="Compare a part of all days with the database, where the last run ended.",
        schedule_description=f"Finds rows that came later than the {LATE_WINDOW_DAYS} days that late_rows_sensor "
        "watches.",
        cron="30 3 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
