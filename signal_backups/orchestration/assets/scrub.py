"""The asset ``scrub``: is everything that is stored still what was stored? It reads a part of all days each night."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg

from signal_backups.core.base.day_ranges import ranges_of
from signal_backups.core.base.objectives import MAX_BACKUP_AGE
from signal_backups.core.scrub.night import ScrubReport, scrub
from signal_backups.orchestration.assets.watching import WatchingSpec, build_watching_asset
from signal_backups.orchestration.names import SCRUB
from signal_backups.orchestration.resources import BackupStore, SettingsSource

READ_DAYS_VERIFY = "read_days_verify"
ALL_READ_IN_TIME = "everything_is_read_in_time"


def _examine(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
) -> Iterator[dg.MaterializeResult[Any]]:
    current = settings.load()
    start = current.start_date if current.start_date_is_set else None
    report = scrub(
        backup_store.vault(context.run.run_id),
        start,
        current.read_within,
        current.scratch,
        on_day=lambda found: context.log.info(f"{found.day}: {'; '.join(found.report.problems) or 'verified'}"),
    )
    for each in report.not_read:
        context.log.warning(f"{each.day} could not be read: {each.error}")
    if report.not_read and not report.read:
        raise report.not_read[0].error
    yield dg.MaterializeResult(
        metadata=_metadata(report), check_results=[_verified(report), _in_time(report, current.read_within)]
    )


def _metadata(report: ScrubReport) -> dict[str, Any]:
    return {
        "days": len(report.read),
        "of_days": report.days,
        "bytes": report.bytes,
        "requests": report.requests,
        "oldest_unread_days": _oldest_age(report).days,
        "oldest_unread": str(report.oldest.day) if report.oldest else "none",
        "by_checksum": ", ".join(report.by_checksum) or "none",
        "failed": ", ".join(report.failed) or "none",
        "not_read": ", ".join(str(each.day) for each in report.not_read) or "none",
        "waiting": ", ".join(map(str, ranges_of(report.waiting))) or "none",
    }


def _oldest_age(report: ScrubReport) -> timedelta:
    # A day that was just read was read after the night began.
    return max(report.at - report.oldest.at, timedelta(0)) if report.oldest else timedelta(0)


def _verified(report: ScrubReport) -> dg.AssetCheckResult:
    problems = report.failed | {f"{each.day}, not read": str(each.error) for each in report.not_read}
    if report.waiting:
        waiting = ", ".join(map(str, ranges_of(report.waiting)))
        problems[f"{waiting}, not tried again"] = "the store did not give them in an earlier night"
    if report.ended_early:
        problems["the night ended early"] = "the store failed for several days in a row"
    return dg.AssetCheckResult(
        check_name=READ_DAYS_VERIFY,
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{day}: {why}" for day, why in problems.items())
        or f"{len(report.read)} of {report.days} days read, all verify",
    )


def _in_time(report: ScrubReport, within: timedelta) -> dg.AssetCheckResult:
    age = _oldest_age(report)
    what = f"{report.oldest.day} was read {age.days} days ago" if report.oldest else "nothing is stored"
    return dg.AssetCheckResult(
        check_name=ALL_READ_IN_TIME,
        passed=age <= within,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{what}; {within.days} days are allowed",
        metadata={"oldest_unread_days": age.days},
    )


scrub_asset = build_watching_asset(
    WatchingSpec(
        key=SCRUB,
        description="Is what is stored still readable and right? Each night reads and verifies the days that were read "
        "longest ago, so that every day is read within SIGNAL_BACKUPS_READ_WITHIN_DAYS.",
        checks={
            READ_DAYS_VERIFY: "Every day of this night could be read, with its manifest and its quarantine, and is "
            "what was stored. Of archived days the checksum that the store keeps is compared.",
            ALL_READ_IN_TIME: "No verified day is unread for longer than SIGNAL_BACKUPS_READ_WITHIN_DAYS. Warns only.",
        },
        job_description="Read and verify the days that were read longest ago.",
        schedule_description="Reads a part of everything that is stored.",
        cron="0 5 * * *",
        max_age=MAX_BACKUP_AGE,
    ),
    _examine,
)
