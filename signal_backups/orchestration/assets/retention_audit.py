"""The retention audit as an asset: a table, a heat map and one check; its report stays in the bucket.

What belongs here: how an audit shows in Dagster. What does not: auditing (``core.retention.audit``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.connect import outside
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_AUDIT_AGE
from signal_backups.core.config.settings import load_settings
from signal_backups.core.retention_audit.report import Aspect, ProblemSeverity, RetentionAudit, State
from signal_backups.core.retention_audit.run import audit_retention, store_report
from signal_backups.orchestration.assets.pictures import picture
from signal_backups.orchestration.names import BACKUP_OBJECT, BUCKET_GROUP, OWNERS, RETENTION_AUDIT
from signal_backups.orchestration.resources import BackupStore

EVERY_DAY_KEPT = "every_day_is_kept_as_promised"


@dg.asset(
    key=RETENTION_AUDIT,
    deps=[BACKUP_OBJECT],
    group_name=BUCKET_GROUP,
    owners=OWNERS,
    kinds={"s3"},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=MAX_AUDIT_AGE),
    description="Is every day kept as promised? Looks at each day of the retention window: backed up, verified, "
    "locked, in its storage class, not hidden, not about to expire. Keeps its report under reports/retention/ in the "
    "bucket.",
    check_specs=[
        dg.AssetCheckSpec(
            EVERY_DAY_KEPT,
            asset=RETENTION_AUDIT,
            description="No day of the retention window breaks what the retention profile promises. Warnings pass.",
        )
    ],
)
def retention_audit(context: dg.AssetExecutionContext, backup_store: BackupStore) -> Iterator[Any]:
    """One audit; a run fails when the store cannot be asked, the check when a day is not kept as promised."""
    from signal_backups.core.retention_audit.heat_map import heat_map  # noqa: PLC0415  drawing takes a second to load

    settings, vault = load_settings(), backup_store.vault(context.run.run_id)
    start = settings.start_date if settings.names_start_date else None
    try:
        audit = audit_retention(vault, backup_store.retention_profile(), start=start, outside=outside(settings))
    except SignalBackupsError as error:
        raise dg.Failure(description=str(error), allow_retries=error.transient) from error
    # What was found counts even when the report cannot be kept.
    kept, not_kept = None, None
    try:
        kept = vault.store.uri(store_report(vault, audit))
    except SignalBackupsError as error:
        not_kept = f"the report could not be kept: {error}"
    context.log.info(f"{len(audit.days)} days, {audit.errors} errors, {audit.warnings} warnings: {kept or not_kept}")
    metadata = {"heat_map": picture("heat map of the days", heat_map(audit)), **_metadata(audit, kept or str(not_kept))}
    yield dg.MaterializeResult(metadata=metadata, check_results=[_result(audit, not_kept)])


def _metadata(audit: RetentionAudit, kept: str) -> dict[str, Any]:
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
        "report": kept,
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


def _result(audit: RetentionAudit, not_kept: str | None) -> dg.AssetCheckResult:
    errors = [row for row in audit.problem_rows() if row.problem.severity is ProblemSeverity.ERROR]
    first = f", first: {errors[0].what}. {errors[0].problem.remedy}" if errors else ""
    unkept = f"; {not_kept}" if not_kept else ""
    return dg.AssetCheckResult(
        check_name=EVERY_DAY_KEPT,
        passed=audit.ok and not_kept is None,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(audit.days)} days, {audit.errors} errors, {audit.warnings} warnings{first}{unkept}",
        metadata={"days": len(audit.days), "errors": audit.errors, "warnings": audit.warnings},
    )
