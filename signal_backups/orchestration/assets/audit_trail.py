"""The asset ``audit_trail``: examines both logs every day, writes the segments that are due, and anchors both."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from signal_backups.connect import anchor_destinations
from signal_backups.core.base.days import oldest_kept_day
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.integrity.anchors.anchoring import anchor_heads
from signal_backups.core.integrity.anchors.destinations import AnchorDestinations
from signal_backups.core.integrity.examine_trail import TrailReport, examine_trail, record_examination
from signal_backups.core.integrity.log.write_segments import write_rolling_segments, write_segments
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import AUDIT_TRAIL
from signal_backups.orchestration.resources import BackupStore, SettingsSource

TRAIL_UNBROKEN = "trail_is_unbroken"
HEADS_ANCHORED = "heads_are_anchored"


def _examine(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
) -> Iterator[dg.MaterializeResult[Any]]:
    vault, profile = backup_store.vault(context.run.run_id), backup_store.retention_profile()
    places = anchor_destinations(settings.load(), profile.lock_policy)
    _write_what_is_due(context, vault)
    kept_from = oldest_kept_day(vault.store.clock(), profile.retention_years)
    report = examine_trail(vault, second=places.second, ca_pem=places.ca_pem, kept_from=kept_from)
    record_examination(vault, report)
    context.log.info(f"{report.events} events, {report.manifests} manifests, {report.finding_count} findings")
    yield dg.MaterializeResult(metadata=_metadata(report), check_results=[_unbroken(report), _anchored(vault, places)])


def _write_what_is_due(context: dg.AssetExecutionContext, vault: BackupVault) -> None:
    """Write waiting events and segments. A failure only warns: what is stored is examined all the same."""
    for writing in (vault.trail.write_waiting, lambda: write_segments(vault), lambda: write_rolling_segments(vault)):
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


def _anchored(vault: BackupVault, places: AnchorDestinations) -> dg.AssetCheckResult:
    if not places.is_configured:
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


audit_trail = build_watching_asset(
    WatchingSpec(
        key=AUDIT_TRAIL,
        description="Did anybody tamper with the backups or their logs? Examines the audit trail and the manifest "
        "log, then anchors both outside of the bucket, if a time-stamp authority or a second bucket is set. "
        "`signal-backups audit verify` shows the same.",
        checks={
            TRAIL_UNBROKEN: "No event and no manifest was edited, removed, inserted, reordered or forked, and both "
            "logs still agree with every earlier anchor.",
            HEADS_ANCHORED: "Today's tree head is anchored outside of the bucket, if there is such a place. Warns "
            "only.",
        },
        job_description="Examine the audit trail and the manifest log, and anchor both.",
        schedule_description="Examines the audit trail and anchors it, after the daily backup.",
        cron="45 2 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
