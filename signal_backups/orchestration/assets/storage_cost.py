"""What the backups cost as an asset: what is stored, what S3 bills, a forecast and a chart; the quota is its check.

What belongs here: how the cost shows in Dagster. What does not: reckoning it (``core.cost``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.config.settings import load_settings
from signal_backups.core.cost.quota import WARN_SHARE, QuotaState
from signal_backups.core.cost.report import CostReport, compared_profiles, cost_report
from signal_backups.core.s3.prices import load_prices
from signal_backups.orchestration.assets.pictures import picture
from signal_backups.orchestration.names import BACKUP_OBJECT, BUCKET_GROUP, OWNERS, STORAGE_COST
from signal_backups.orchestration.resources import BackupStore

WITHIN_QUOTA = "storage_within_quota"


@dg.asset(
    key=STORAGE_COST,
    deps=[BACKUP_OBJECT],
    group_name=BUCKET_GROUP,
    owners=OWNERS,
    kinds={"s3"},
    # Once a day, like a backup.
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=MAX_BACKUP_AGE),
    description="What does it cost, and does the quota hold? What is stored by storage class, what S3 bills for it a "
    "month, and what seven years will cost under each retention profile at the measured growth.",
    check_specs=[
        dg.AssetCheckSpec(
            WITHIN_QUOTA,
            asset=STORAGE_COST,
            description=f"The storage quota holds. Warns from {WARN_SHARE:.0%} of it on; passes when none is set.",
        )
    ],
)
def storage_cost(backup_store: BackupStore) -> Iterator[Any]:
    """One reckoning; a run fails when the store cannot be asked, the check when the quota does not hold."""
    from signal_backups.core.cost.chart import cost_chart  # noqa: PLC0415  drawing takes a second to load

    settings, vault = load_settings(), backup_store.vault()
    try:
        prices = load_prices(vault.store.configuration.region)
        profiles = compared_profiles(backup_store.profile or settings.profile)
        report = cost_report(vault, prices, profiles, quota_gb=settings.storage_quota_gb)
    except SignalBackupsError as error:
        raise dg.Failure(description=str(error), allow_retries=error.transient) from error
    metadata = {"chart": picture("cost of each month", cost_chart(report.forecasts, prices)), **_metadata(report)}
    yield dg.MaterializeResult(metadata=metadata, check_results=[_result(report)])


def _metadata(report: CostReport) -> dict[str, Any]:
    return {
        "bytes": report.inventory.bytes,
        "usd_per_month": round(report.bill.usd_per_month, 6),
        **{f"seven_years_usd_{found.name}": round(found.total_usd, 2) for found in report.forecasts},
        "prices": f"{report.prices.region}, {report.prices.as_of}",
        "stored": _stored_table(report),
        "notes": dg.MetadataValue.md("\n".join(f"- {each}" for each in report.statements) or "none"),
    }


def _stored_table(report: CostReport) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord(
            {
                "kind": group.stored.kind,
                "storage_class": group.stored.storage_class,
                "state": str(group.stored.state),
                "objects": group.stored.objects,
                "bytes": group.stored.bytes,
                "billed_bytes": group.billed_bytes,
                "usd_per_month": group.usd_per_month,
            }
        )
        for group in report.bill.groups
    ]
    texts = {"kind", "storage_class", "state"}
    names = ("kind", "storage_class", "state", "objects", "bytes", "billed_bytes", "usd_per_month")
    columns = [dg.TableColumn(name, "string" if name in texts else "float") for name in names]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _result(report: CostReport) -> dg.AssetCheckResult:
    quota = report.quota
    if quota is None:
        return dg.AssetCheckResult(check_name=WITHIN_QUOTA, passed=True, description="no quota is set")
    severity = dg.AssetCheckSeverity.ERROR if quota.state is QuotaState.OVER else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=WITHIN_QUOTA,
        passed=quota.state is QuotaState.OK,
        severity=severity,
        description=f"{quota.used_gb:.3f} of {quota.quota_gb:g} GB used ({quota.share:.1%})",
        metadata={"used_gb": quota.used_gb, "quota_gb": quota.quota_gb, "share": quota.share},
    )
