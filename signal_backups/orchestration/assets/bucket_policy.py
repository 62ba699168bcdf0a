"""The asset ``bucket_policy``: is the bucket set up as it should be? Each claim of the profile is a check."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.retention.policy import Claim, PolicyFinding, PolicyReport, examine_policy
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import BUCKET_POLICY
from signal_backups.orchestration.resources import BackupStore

_DESCRIPTIONS = {
    Claim.VERSIONING: "The bucket keeps every version: an overwrite or a delete destroys nothing.",
    Claim.LIFECYCLE: "The bucket's lifecycle rules are those of the retention profile, and no foreign rule reaches "
    "our objects.",
    Claim.PUBLIC_ACCESS: "All four public access blocks are on.",
    Claim.OBJECT_LOCK: "The bucket can lock objects and the newest backups are locked, if the profile asks for it.",
    Claim.DELETE_MARKERS: "No delete marker hides an object that must still be kept.",
}


def _examine(backup_store: BackupStore) -> Iterator[dg.MaterializeResult[Any]]:
    report = examine_policy(backup_store.vault(), backup_store.retention_profile())
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=[_result(each) for each in report.findings])


def _metadata(report: PolicyReport) -> dict[str, Any]:
    missing = [f"{finding.claim}: {finding.cannot}" for finding in report.findings if finding.cannot]
    return {
        "bucket": report.bucket,
        "profile": report.profile,
        "claims_that_fail": sum(not finding.holds for finding in report.findings),
        "this_store_cannot": dg.MetadataValue.md("\n".join(f"- {each}" for each in missing) or "nothing is missing"),
    }


def _result(finding: PolicyFinding) -> dg.AssetCheckResult:
    if finding.holds:
        description = f"as the profile says, as far as this store can: {finding.cannot}" if finding.cannot else "holds"
        return dg.AssetCheckResult(check_name=finding.claim.value, passed=True, description=description)
    return dg.AssetCheckResult(
        check_name=finding.claim.value,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(finding.against)} against it, first: {finding.against[0]}",
        metadata={
            "against": dg.MetadataValue.md("\n".join(f"    {line}" for line in finding.against)),
            "remedy": finding.remedy or "none known",
        },
    )


bucket_policy = build_watching_asset(
    WatchingSpec(
        key=BUCKET_POLICY,
        description="Is the bucket set up as it should be? Compares it with the retention profile. Drift fails its "
        "check; `signal-backups init` or `signal-backups lifecycle apply` fixes it.",
        checks={claim.value: description for claim, description in _DESCRIPTIONS.items()},
        job_description="Compare the bucket's set-up with the retention profile.",
        schedule_description="Compares the bucket's set-up with the retention profile, after the daily backup.",
        cron="30 2 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
