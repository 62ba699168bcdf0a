"""The asset ``restore_drill``: could we restore, and how long would it take? The UI plots its figures."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from signal_backups.core.base.days import LATE_WINDOW_DAYS
from signal_backups.core.base.objectives import MAX_DRILL_AGE, RTO_OBJECTIVE_S
from signal_backups.core.drill.rto import WARN_SHARE
from signal_backups.core.drill.run import DrillReport, DrillRun, drill
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import BACKUP_OBJECT, DRILL_GROUP, RESTORE_DRILL, SIGNALS_TABLE
from signal_backups.orchestration.resources import BackupStore, SettingsSource, SignalsDatabase

RESTORES_EVERYTHING = "drill_restores_everything"
SOURCE_MATCHES = "source_matches_backup"
RTO_WITHIN_OBJECTIVE = "rto_within_objective"

_DESCRIPTIONS = {
    RESTORES_EVERYTHING: "Every drilled day was restored in full and equals its backup.",
    SOURCE_MATCHES: "No backed-up signal was changed in or deleted from the source since. Late signals warn only.",
    RTO_WITHIN_OBJECTIVE: f"Restoring everything would take less than {WARN_SHARE:.0%} of {RTO_OBJECTIVE_S:.0f} s. "
    "Warns from there on, fails beyond the objective.",
}


class DrillConfig(dg.Config):
    """Options of one drill."""

    recent_days: int = Field(
        LATE_WINDOW_DAYS, ge=1, description="How many of the last days are restored, beside one of each storage class."
    )


def _examine(
    context: dg.AssetExecutionContext,
    config: DrillConfig,
    settings: dg.ResourceParam[SettingsSource],
    signals_database: SignalsDatabase,
    backup_store: BackupStore,
) -> Iterator[dg.MaterializeResult[Any]]:
    current = settings.load()
    run = DrillRun(
        run_id=context.run.run_id,
        source_url=signals_database.source_url,
        table=signals_database.source_table,
        extras=current.extra_columns,
        scratch_url=current.drill_url,
        scratch=current.scratch,
        recent_days=config.recent_days,
    )
    vault = backup_store.vault(context.run.run_id)
    report = drill(vault, run, on_day=lambda day: context.log.info(f"{day.day}: {day.restore.outcome}"))
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=list(_results(report)))


def _metadata(report: DrillReport) -> Mapping[str, Any]:
    return {
        "rto_forecast_seconds": round(report.forecast.seconds, 1),
        "rto_forecast_share": round(report.forecast.share, 4),
        "days": len(report.days),
        "rows": report.rows,
        "rows_per_second": round(report.rows_per_second, 1),
        **{f"{phase}_seconds": round(seconds, 3) for phase, seconds in report.seconds.items()},
        "total_seconds": round(report.total_seconds, 3),
        "rto_forecast_days": report.forecast.days,
        "rto_forecast_bytes": report.forecast.bytes,
        "thaw_seconds": report.forecast.thaw_seconds,
        "not_drilled": ", ".join([*report.archived_classes, *report.left_out]) or "nothing",
        "drilled": _days_table(report),
    }


def _days_table(report: DrillReport) -> dg.TableMetadataValue:
    records = []
    for day in report.days:
        found = day.reconciliation
        counts = (
            (found.unchanged, found.late.count, found.mutated.count, found.deleted.count) if found else (0, 0, 0, 0)
        )
        names = ("unchanged", "late", "mutated", "deleted")
        row: dict[str, str | int | float] = {
            "day": day.day.isoformat(),
            "outcome": str(day.restore.outcome),
            "storage_class": day.storage_class or "-",
            "restored": day.restore.restored,
            **dict(zip(names, counts, strict=True)),
            "seconds": round(sum(day.restore.seconds.values()), 3),
        }
        records.append(dg.TableRecord(row))
    texts = {"day", "outcome", "storage_class"}
    columns = [dg.TableColumn(name, "string" if name in texts else "float") for name in records[0].data]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _results(report: DrillReport) -> list[dg.AssetCheckResult]:
    failed = [f"{day.day} {day.restore.outcome}: {day.restore.problem}" for day in report.failed_days]
    differing = [
        f"{day.day}: {day.late.count} late, {day.mutated.count} mutated, {day.deleted.count} deleted"
        for day in report.differing_days
    ]
    named = {
        f"{kind}_signal_ids": ", ".join(
            str(name) for day in report.differing_days for name in getattr(day, kind).signal_ids
        )
        for kind in ("late", "mutated", "deleted")
    }
    forecast = report.forecast
    return [
        dg.AssetCheckResult(
            check_name=RESTORES_EVERYTHING,
            passed=report.restores_everything,
            description="; ".join(failed) or f"all {len(report.days)} days, {report.rows} signals",
            metadata={"days": len(report.days), "days_failed": len(failed)},
        ),
        dg.AssetCheckResult(
            check_name=SOURCE_MATCHES,
            passed=not differing,
            severity=dg.AssetCheckSeverity.WARN if report.source_matches else dg.AssetCheckSeverity.ERROR,
            description="; ".join(differing) or "source and backups hold the same",
            metadata={
                **{
                    kind: sum(getattr(day, kind).count for day in report.differing_days)
                    for kind in ("late", "mutated", "deleted")
                },
                **(named if differing else {}),
            },
        ),
        dg.AssetCheckResult(
            check_name=RTO_WITHIN_OBJECTIVE,
            passed=report.rto_within_objective,
            severity=dg.AssetCheckSeverity.WARN if forecast.share < 1 else dg.AssetCheckSeverity.ERROR,
            description=f"{forecast.seconds:.0f} s for {forecast.days} days: {forecast.share:.0%} of the objective",
            metadata={"rto_forecast_seconds": forecast.seconds, "rto_objective_seconds": RTO_OBJECTIVE_S},
        ),
    ]


restore_drill = build_watching_asset(
    WatchingSpec(
        key=RESTORE_DRILL,
        description="Could we restore, and how long would it take? Restores the last days and an older one of each "
        "storage class into a scratch database, verifies them, compares them with the live source row by row, and "
        "forecasts restoring everything (RTO).",
        checks=_DESCRIPTIONS,
        job_description="Restore some days into a scratch database, verify them and compare them with the live source.",
        schedule_description="Restores the last week and an older day of each storage class, and measures the RTO.",
        cron="0 3 * * 0",
        max_age=MAX_DRILL_AGE,
        deps=(BACKUP_OBJECT, SIGNALS_TABLE),
        group=DRILL_GROUP,
        kinds=frozenset({"sql", "s3"}),
    ),
    _examine,
)
