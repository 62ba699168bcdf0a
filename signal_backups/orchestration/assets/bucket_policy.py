"""The bucket's set-up as an asset: each claim of the retention profile is a check.

What belongs here: how the claims show in Dagster. What does not: examining them (``core.retention.policy``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.retention.policy import Claim, PolicyFinding, PolicyReport, examine_policy
from signal_backups.orchestration.names import BACKUP_OBJECT, BUCKET_GROUP, BUCKET_POLICY, OWNERS
from signal_backups.orchestration.resources import BackupStore

_DESCRIPTIONS = {
    Claim.VERSIONING: "The bucket keeps every version: an overwrite or a delete destroys nothing.",
    Claim.LIFECYCLE: "The bucket's lifecycle rules are those of the retention profile, and no foreign rule reaches "
    "our objects.",
    Claim.PUBLIC_ACCESS: "All four public access blocks are on.",
    Claim.OBJECT_LOCK: "The bucket can lock objects and the newest backups are locked, if the profile asks for it.",
    Claim.DELETE_MARKERS: "No delete marker hides an object that must still be kept.",
}


@dg.asset(
    key=BUCKET_POLICY,
    deps=[BACKUP_OBJECT],
    group_name=BUCKET_GROUP,
    owners=OWNERS,
    kinds={"s3"},
    # Once a day, like a backup.
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=MAX_BACKUP_AGE),
    description="Is the bucket set up as it should be? Holds it against the retention profile. Drift fails its check; "
    "`signal-backups init` or `signal-backups lifecycle apply` mends it.",
    check_specs=[
        dg.AssetCheckSpec(claim.value, asset=BUCKET_POLICY, description=description)
        for claim, description in _DESCRIPTIONS.items()
    ],
)
def bucket_policy(backup_store: BackupStore) -> Iterator[Any]:
    """One look at the bucket; a run fails when the store cannot be asked, a check when the answer is wrong."""
    try:
        report = examine_policy(backup_store.vault(), backup_store.retention_profile())
    except SignalBackupsError as error:
        raise dg.Failure(description=str(error), allow_retries=error.transient) from error
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
