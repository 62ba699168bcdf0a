"""The audit trail as an asset: examined every day, anchored outside, its long past bundled into checkpoints.

What belongs here: how the trail shows in Dagster. What does not: examining it (``core.trail``).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.connect import outside
from signal_backups.core.base.days import oldest_kept_day
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.config.settings import load_settings
from signal_backups.core.integrity.anchors.anchoring import anchor_heads
from signal_backups.core.integrity.anchors.outside import Outside
from signal_backups.core.integrity.examine_trail import TrailReport, examine_trail
from signal_backups.core.integrity.log.write_segments import write_checkpoints
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.names import AUDIT_TRAIL, BACKUP_OBJECT, BUCKET_GROUP, OWNERS
from signal_backups.orchestration.resources import BackupStore

TRAIL_UNBROKEN = "trail_is_unbroken"
HEADS_ANCHORED = "heads_are_anchored"


@dg.asset(
    key=AUDIT_TRAIL,
    deps=[BACKUP_OBJECT],
    group_name=BUCKET_GROUP,
    owners=OWNERS,
    kinds={"s3"},
    # Once a day, like a backup.
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=MAX_BACKUP_AGE),
    description="Did anybody tamper with the records? Examines the audit trail and the chain of manifests, then "
    "anchors both outside of the bucket, if a time-stamp authority or a second bucket is set. "
    "`signal-backups audit verify` shows the same.",
    check_specs=[
        dg.AssetCheckSpec(
            TRAIL_UNBROKEN,
            asset=AUDIT_TRAIL,
            description="No event and no manifest was edited, removed, inserted, reordered or forked, and what was "
            "anchored earlier is still so.",
        ),
        dg.AssetCheckSpec(
            HEADS_ANCHORED,
            asset=AUDIT_TRAIL,
            description="What the trail came to today is fixed outside of the bucket, if there is such a place. "
            "Warns only.",
        ),
    ],
)
def audit_trail(context: dg.AssetExecutionContext, backup_store: BackupStore) -> Iterator[Any]:
    """One examination; a run fails when the store cannot be asked, a check when the trail is not as it should be."""
    try:
        vault, profile = backup_store.vault(context.run.run_id), backup_store.retention_profile()
        places = outside(load_settings(), profile.lock_policy)
        _write_what_is_due(context, vault)
        kept_from = oldest_kept_day(vault.store.clock(), profile.retention_years)
        report = examine_trail(vault, second=places.second, ca_pem=places.ca_pem, kept_from=kept_from)
    except SignalBackupsError as error:
        raise dg.Failure(description=str(error), allow_retries=error.transient) from error
    context.log.info(f"{report.events} events, {report.manifests} manifests, {report.finding_count} findings")
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=[_unbroken(report), _anchored(vault, places)])


def _write_what_is_due(context: dg.AssetExecutionContext, vault: BackupVault) -> None:
    """Events that wait, and checkpoints; that they cannot be written hides nothing of what is stored."""
    for writing in (vault.trail.write_waiting, lambda: write_checkpoints(vault)):
        try:
            writing()
        except SignalBackupsError as error:
            context.log.warning(str(error))


def _metadata(report: TrailReport) -> dict[str, Any]:
    anchored = report.anchored
    return {
        "events": report.events,
        "manifests": report.manifests,
        "anchors": report.anchors,
        "anchored_up_to_event": f"{anchored.event} at {anchored.at.isoformat()}" if anchored else "nothing is anchored",
        "events_since_anchor": report.events_since_anchor,
        "events_waiting": report.waiting,
        "days_from_before_the_chain": report.unchained.count if report.unchained else 0,
        "findings": report.finding_count,
        "warnings": dg.MetadataValue.md("\n".join(f"- {each}" for each in report.warnings) or "none"),
        "requests": sum(report.requests.values()),
    }


def _unbroken(report: TrailReport) -> dg.AssetCheckResult:
    if report.ok:
        description = f"{report.events} events and {report.manifests} manifests, unbroken"
        return dg.AssetCheckResult(check_name=TRAIL_UNBROKEN, passed=True, description=description)
    first = report.findings[0]
    return dg.AssetCheckResult(
        check_name=TRAIL_UNBROKEN,
        passed=False,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{report.finding_count} findings, first: {first.log} {first.number or first.key}: {first.words}",
        metadata={"findings": _findings_table(report), "remedy": "Run: signal-backups audit verify --full"},
    )


def _findings_table(report: TrailReport) -> dg.TableMetadataValue:
    columns = ("log", "number", "kind", "what", "object")
    records = [
        dg.TableRecord(
            {
                "log": found.log.value,
                "number": str(found.number or ""),
                "kind": found.kind.value,
                "what": found.words,
                "object": found.key,
            }
        )
        for found in report.findings
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]))


def _anchored(vault: BackupVault, places: Outside) -> dg.AssetCheckResult:
    if not places.is_anywhere:
        description = "nothing outside is set: SIGNAL_BACKUPS_TSA_URL or SIGNAL_BACKUPS_ANCHOR_BUCKET"
        return dg.AssetCheckResult(check_name=HEADS_ANCHORED, passed=True, description=description)
    try:
        anchor = anchor_heads(vault, places)
        problems = [str(error) for error in anchor.errors]
    except SignalBackupsError as error:
        problems = [str(error)]
    return dg.AssetCheckResult(
        check_name=HEADS_ANCHORED,
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(problems) or f"anchored in {anchor.key}",
    )
