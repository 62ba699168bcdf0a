"""The asset ``storage_cost``: what is stored, what S3 bills, and a forecast. Its check is the quota."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.cost.quota import WARN_SHARE, QuotaState
from signal_backups.core.cost.report import CostReport, compared_profiles, cost_report
from signal_backups.core.s3.prices import load_prices
from signal_backups.orchestration.assets.pictures import picture
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import STORAGE_COST
from signal_backups.orchestration.resources import BackupStore, SettingsSource

WITHIN_QUOTA = "storage_within_quota"


def _examine(
    settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
) -> Iterator[dg.MaterializeResult[Any]]:
    from signal_backups.core.cost.chart import cost_chart  # noqa: PLC0415  matplotlib takes long to load

    current, vault = settings.load(), backup_store.vault()
    prices = load_prices(vault.store.configuration.region)
    profiles = compared_profiles(backup_store.profile or current.profile)
    report = cost_report(vault, prices, profiles, quota_gb=current.storage_quota_gb)
    yield dg.MaterializeResult(
        metadata={"chart": picture("cost of each month", cost_chart(report.forecasts, prices)), **_metadata(report)},
        check_results=[_result(report)],
    )


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


storage_cost = build_watching_asset(
    WatchingSpec(
        key=STORAGE_COST,
        description="What does it cost, and does the quota hold? What is stored by storage class, what S3 bills for it "
        "a month, and what seven years will cost under each retention profile at the measured growth.",
        checks={
            WITHIN_QUOTA: f"The storage quota holds. Warns from {WARN_SHARE:.0%} of it on; passes when none is set."
        },
        job_description="Calculate what the backups cost, now and over seven years.",
        schedule_description="Calculates the cost, and whether the quota holds.",
        # Every day, although costs change slowly: an exceeded quota must not wait for the end of a month.
        cron="30 4 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
