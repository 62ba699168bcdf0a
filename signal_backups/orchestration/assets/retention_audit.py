"""The asset ``retention_audit``: is every day kept as promised? Its report is stored in the bucket."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.connect import anchor_destinations
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_AUDIT_AGE
from signal_backups.core.retention_audit.report import Aspect, ProblemSeverity, RetentionAudit, State
from signal_backups.core.retention_audit.run import audit_retention, store_report
from signal_backups.orchestration.assets.pictures import picture
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import RETENTION_AUDIT
from signal_backups.orchestration.resources import BackupStore, SettingsSource

EVERY_DAY_KEPT = "every_day_is_kept_as_promised"


def _examine(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
) -> Iterator[dg.MaterializeResult[Any]]:
    from signal_backups.core.retention_audit.heat_map import heat_map  # noqa: PLC0415  matplotlib takes long to load

    current, vault = settings.load(), backup_store.vault(context.run.run_id)
    start = current.start_date if current.start_date_is_set else None
    audit = audit_retention(
        vault, backup_store.retention_profile(), start=start, destinations=anchor_destinations(current)
    )
    # The findings count even when the report cannot be stored.
    stored, not_stored = None, None
    try:
        stored = vault.store.uri(store_report(vault, audit))
    except SignalBackupsError as error:
        not_stored = f"the report could not be stored: {error}"
    report = stored or str(not_stored)
    context.log.info(f"{len(audit.days)} days, {audit.errors} errors, {audit.warnings} warnings: {report}")
    yield dg.MaterializeResult(
        metadata={"heat_map": picture("heat map of the days", heat_map(audit)), **_metadata(audit, report)},
        check_results=[_result(audit, not_stored)],
    )


def _metadata(audit: RetentionAudit, report: str) -> dict[str, Any]:
    return {
        "days": len(audit.days),
        "first_day": audit.first_day.isoformat(),
        "last_day": audit.last_day.isoformat(),
        "profile": audit.profile,
        "errors": audit.errors,
        "warnings": audit.warnings,
        "explained_days": audit.explained_days,
        "seconds": round(audit.seconds, 3),
        "requests": sum(audit.requests.values()),
        "report": report,
        "aspects": _aspects_table(audit),
        "problems": _problems_table(audit),
    }


def _aspects_table(audit: RetentionAudit) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord({"question": aspect.value, **{state.value: audit.count(aspect, state) for state in State}})
        for aspect in Aspect
    ]
    columns = [dg.TableColumn("question", "string"), *(dg.TableColumn(state.value, "int") for state in State)]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _problems_table(audit: RetentionAudit) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord(
            {
                "day": str(row.day or "-"),
                "severity": row.problem.severity.value,
                "what": row.what,
                "remedy": row.problem.remedy,
            }
        )
        for row in audit.problem_rows()
    ]
    columns = [dg.TableColumn(name, "string") for name in ("day", "severity", "what", "remedy")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _result(audit: RetentionAudit, not_stored: str | None) -> dg.AssetCheckResult:
    errors = [row for row in audit.problem_rows() if row.problem.severity is ProblemSeverity.ERROR]
    first = f", first: {errors[0].what}. {errors[0].problem.remedy}" if errors else ""
    unstored = f"; {not_stored}" if not_stored else ""
    return dg.AssetCheckResult(
        check_name=EVERY_DAY_KEPT,
        passed=audit.ok and not_stored is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(audit.days)} days, {audit.errors} errors, {audit.warnings} warnings{first}{unstored}",
        metadata={"days": len(audit.days), "errors": audit.errors, "warnings": audit.warnings},
    )


retention_audit = build_watching_asset(
    WatchingSpec(
        key=RETENTION_AUDIT,
        description="Is every day kept as promised? Checks each day of the retention window: backed up, verified, "
        "locked, in its storage class, not hidden, not about to expire. Stores its report under reports/retention/ in "
        "the bucket.",
        checks={
            EVERY_DAY_KEPT: "No day of the retention window breaks what the retention profile promises. Warnings pass."
        },
        job_description="Check every day of the retention window and store the report.",
        schedule_description="Checks every day of the retention window, on the first of each month.",
        cron="0 4 1 * *",
        max_age=MAX_AUDIT_AGE,
    ),
    _examine,
)
