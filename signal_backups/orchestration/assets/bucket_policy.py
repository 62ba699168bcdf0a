"""The asset ``bucket_policy``: is the bucket set up as it should be? Each policy check is an asset check."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.retention.policy import PolicyCheck, PolicyFinding, PolicyReport, examine_policy
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import BUCKET_POLICY
from signal_backups.orchestration.resources import BackupStore

_DESCRIPTIONS = {
    PolicyCheck.VERSIONING: "The bucket keeps every version: an overwrite or a delete destroys nothing.",
    PolicyCheck.LIFECYCLE: "The bucket's lifecycle rules are those of the retention profile, and no foreign rule "
    "applies to our objects.",
    PolicyCheck.PUBLIC_ACCESS: "All four public access blocks are on.",
    PolicyCheck.OBJECT_LOCK: "The bucket can lock objects and the newest backups are locked, if the profile says so.",
    PolicyCheck.DELETE_MARKERS: "No delete marker hides an object that must still be kept.",
}


def _examine(backup_store: BackupStore) -> Iterator[dg.MaterializeResult[Any]]:
    report = examine_policy(backup_store.vault(), backup_store.retention_profile())
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=[_result(each) for each in report.findings])


def _metadata(report: PolicyReport) -> dict[str, Any]:
    missing = [f"{finding.check}: {finding.unsupported}" for finding in report.findings if finding.unsupported]
    return {
        "bucket": report.bucket,
        "profile": report.profile,
        "claims_that_fail": sum(not finding.ok for finding in report.findings),
        "this_store_cannot": dg.MetadataValue.md("\n".join(f"- {each}" for each in missing) or "nothing is missing"),
    }


def _result(finding: PolicyFinding) -> dg.AssetCheckResult:
    if finding.ok:
        description = "holds"
        if finding.unsupported:
            description = f"as the profile says, as far as this store can: {finding.unsupported}"
        return dg.AssetCheckResult(check_name=finding.check.value, passed=True, description=description)
    return dg.AssetCheckResult(
        check_name=finding.check.value,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(finding.deviations)} against it, first: {finding.deviations[0]}",
        metadata={
            "against": dg.MetadataValue.md("\n".join(f"    {line}" for line in finding.deviations)),
            "remedy": finding.remedy or "none known",
        },
    )


bucket_policy = build_watching_asset(
    WatchingSpec(
        key=BUCKET_POLICY,
        description="Is the bucket set up as it should be? Compares it with the retention profile. Drift fails its "
        "check; `signal-backups init` or `signal-backups lifecycle apply` fixes it.",
        checks={check.value: description for check, description in _DESCRIPTIONS.items()},
        job_description="Compare the bucket's set-up with the retention profile.",
        schedule_description="Compares the bucket's set-up with the retention profile, after the daily backup.",
        cron="30 2 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
