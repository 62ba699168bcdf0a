"""The audit event of a restore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from signal_backups.core.base.errors import ExitCode
from signal_backups.core.ledger.audit_trail import AuditTrail
from signal_backups.core.ledger.batch_events import PROBLEM_LENGTH, record_several
from signal_backups.core.ledger.event import Action, ObjectName, Result
from signal_backups.core.restore.report import DayRestore, RestoreReport
from signal_backups.core.restore.targets.contract import OnConflict

_COUNTS = ("restored", "replaced", "skipped", "refused", "quarantined")


def record_restore(trail: AuditTrail, report: RestoreReport, wanted: Sequence[date], on_conflict: OnConflict) -> None:
    """Record a restore: its days, the restored versions, and the outcome of each day.

    Args:
        trail: where to record it.
        report: the days done so far.
        wanted: the UTC days to restore; if the restore was interrupted, the report has only the first of them.
        on_conflict: what was done with signals that were already there.
    """
    remaining = wanted[len(report.days) :]
    interrupted = {"broken_off_in": remaining[0].isoformat()} if remaining else {}

    def details_of(part: Sequence[DayRestore]) -> dict[str, Any]:
        return {
            "target": report.target,
            "on_conflict": on_conflict,
            "days": [_day(day) for day in part],
            **{count: sum(getattr(day, count) for day in part) for count in _COUNTS},
            **interrupted,
        }

    record_several(
        trail,
        Action.RESTORE,
        Result.INTERRUPTED if remaining else _result(report),
        report.days,
        objects_of=lambda part: [
            ObjectName(key=day.key, version_id=day.version_id) for day in part if day.key and day.version_id
        ],
        details_of=details_of,
    )


def _result(report: RestoreReport) -> Result:
    if report.exit_code is ExitCode.THAWING:
        return Result.THAWING
    return Result.RESTORED if report.exit_code is ExitCode.OK else Result.FAILED


def _day(day: DayRestore) -> dict[str, str]:
    details = {"day": day.day.isoformat(), "outcome": day.outcome.value}
    return details | ({"problem": day.problem[:PROBLEM_LENGTH]} if day.problem else {})
