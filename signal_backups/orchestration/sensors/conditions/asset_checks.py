"""Checks that do not pass: those of a day while they are errors, those of the whole also while they only warn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Status

from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.storage_conditions import counted, settled
from signal_backups.orchestration.sensors.conditions.snapshot import Look

#: How many failures of one check are looked at, the newest.
MAX_FAILURES = 200

_ERROR = dg.AssetCheckSeverity.ERROR


def check_conditions(look: Look) -> Iterator[Condition]:
    """Every check of our assets that does not pass."""
    graph = look.repository.asset_graph
    for key in sorted(graph.asset_check_keys):
        if graph.get(key).partitions_def is None:
            yield from _of_the_whole(look, key)
        else:
            yield from _of_days(look, key)


def _of_the_whole(look: Look, check: dg.AssetCheckKey) -> Iterator[Condition]:
    """The last answer counts; a warning ends with the next look, so people are told of it."""
    answers = look.instance.event_log_storage.get_asset_check_execution_history(
        check, limit=1, status={Status.SUCCEEDED, Status.FAILED}
    )
    if answers and answers[0].status is Status.FAILED and answers[0].evaluation is not None:
        yield _condition(look, check, answers[0], answers[0].evaluation.description or "no words", Days())


def _of_days(look: Look, check: dg.AssetCheckKey) -> Iterator[Condition]:
    """Days whose last answer is an error.

    A warning about a day never ends, so nobody is told of it. A day whose run failed is told of with its reason.
    """
    failures = look.instance.event_log_storage.get_asset_check_execution_history(
        check, limit=MAX_FAILURES, status={Status.FAILED}
    )
    failures = [found for found in failures if found.evaluation and found.evaluation.severity is _ERROR]
    found = _failing_days(look, check, {found.partition for found in failures if found.partition})
    days = settled(look.state, _key(check), found - look.failed, look.busy)
    newest = next((found for found in failures if found.partition in {str(day) for day in days}), None)
    if newest is not None and newest.evaluation is not None:
        what = f"{counted(days, 'does', 'do')} not pass; {newest.partition}: {newest.evaluation.description}"
        yield _condition(look, check, newest, what, Days.of(days))


def _failing_days(look: Look, check: dg.AssetCheckKey, ever: set[str]) -> set[date]:
    """Of the days that failed ever, those that no later answer passed."""
    if not ever:
        return set()
    infos = look.instance.event_log_storage.get_asset_check_partition_info([check], partition_keys=sorted(ever))
    return {
        date.fromisoformat(info.partition_key)
        for info in infos
        if info.partition_key and info.latest_execution_status is Status.FAILED
    }


def _key(check: dg.AssetCheckKey) -> str:
    return f"check/{check.asset_key.to_user_string()}/{check.name}"


def _condition(
    look: Look, check: dg.AssetCheckKey, record: AssetCheckExecutionRecord, words: str, days: Days
) -> Condition:
    is_error = record.evaluation is not None and record.evaluation.severity is _ERROR
    return Condition(
        key=_key(check),
        severity=AlertSeverity.CRITICAL if is_error else AlertSeverity.WARNING,
        what=f"{check.asset_key.to_user_string()}, {check.name}: {words}",
        days=days,
        since=datetime.fromtimestamp(record.create_timestamp, UTC),
        link=look.link(record.run_id),
    )
