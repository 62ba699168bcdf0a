"""Asset checks that do not pass. For a day only an error counts; for a whole asset a warning does too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import dagster as dg

from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.storage_conditions import counted, settled
from signal_backups.orchestration.instance.stored_answers import (
    StoredAnswer,
    failing_partitions,
    failures,
    last_answer,
)
from signal_backups.orchestration.sensors.conditions.snapshot import InstanceSnapshot

#: How many failures of one check are read, the newest.
MAX_FAILURES = 200


def check_conditions(snapshot: InstanceSnapshot) -> Iterator[Condition]:
    """Every check of our assets that does not pass."""
    graph = snapshot.repository.asset_graph
    for key in sorted(graph.asset_check_keys):
        if graph.get(key).partitions_def is None:
            yield from _of_the_asset(snapshot, key)
        else:
            yield from _of_days(snapshot, key)


def _of_the_asset(snapshot: InstanceSnapshot, check: dg.AssetCheckKey) -> Iterator[Condition]:
    """The last answer counts. A warning is worth a notification here: the next run of the asset can end it."""
    answer = last_answer(snapshot.instance, check)
    if answer is not None and not answer.passed:
        yield _condition(snapshot, check, answer, answer.description or "no reason given", Days())


def _of_days(snapshot: InstanceSnapshot, check: dg.AssetCheckKey) -> Iterator[Condition]:
    """Days whose last answer is an error.

    Nobody is notified of a warning about a day, because it would never end. A day whose run failed is part of another
    condition, which gives the reason.
    """
    errors = [answer for answer in failures(snapshot.instance, check, MAX_FAILURES) if answer.is_error]
    failing = failing_partitions(snapshot.instance, check, {answer.partition for answer in errors if answer.partition})
    found = {date.fromisoformat(partition) for partition in failing}
    days = settled(snapshot.state, _key(check), found - snapshot.failed, snapshot.busy)
    newest = next((answer for answer in errors if answer.partition in {str(day) for day in days}), None)
    if newest is not None:
        what = f"{counted(days, 'does', 'do')} not pass; {newest.partition}: {newest.description}"
        yield _condition(snapshot, check, newest, what, Days.of(days))


def _key(check: dg.AssetCheckKey) -> str:
    return f"check/{check.asset_key.to_user_string()}/{check.name}"


def _condition(
    snapshot: InstanceSnapshot, check: dg.AssetCheckKey, answer: StoredAnswer, words: str, days: Days
) -> Condition:
    return Condition(
        key=_key(check),
        severity=AlertSeverity.CRITICAL if answer.is_error else AlertSeverity.WARNING,
        what=f"{check.asset_key.to_user_string()}, {check.name}: {words}",
        days=days,
        since=answer.at,
        link=snapshot.link(answer.run_id),
    )
