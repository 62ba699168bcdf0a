"""The sensor that notifies people of everything that is wrong: at once, at an interval, and when it is over.

It gathers conditions from S3 and from Dagster's instance. Which alerts are open is kept in its cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg
from pydantic import ValidationError

from signal_backups.core.base.days import Clock, days_between, last_complete_day, utc_now
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import ALERT_INTERVAL, STUCK_RUN_SHOWN
from signal_backups.core.config.expected_days import observe_expected_days
from signal_backups.core.config.settings import Settings
from signal_backups.core.monitoring.alerts.channels import Channel, channels_of
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED, Outcome, notify
from signal_backups.core.monitoring.alerts.state import AlertState, after_notifying, due_messages
from signal_backups.core.monitoring.alerts.storage_conditions import (
    day_conditions,
    finding_conditions,
    last_good,
    overdue_conditions,
    unread_conditions,
    verification_conditions,
)
from signal_backups.core.monitoring.last_drill_and_audit import last_drill, last_retention_audit
from signal_backups.core.monitoring.last_reads import all_read_since
from signal_backups.core.monitoring.new_events import events_after, failed_verifications
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.instance.day_status import dagster_days
from signal_backups.orchestration.instance.run_life import ended_since, stuck_runs
from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups.orchestration.partitions import daily_partitions
from signal_backups.orchestration.resources import BackupStore, SettingsSource, observed
from signal_backups.orchestration.sensors.conditions.asset_checks import check_conditions
from signal_backups.orchestration.sensors.conditions.runs import (
    asset_run_conditions,
    backup_run_conditions,
    stuck_run_conditions,
)
from signal_backups.orchestration.sensors.conditions.snapshot import InstanceSnapshot
from signal_backups.orchestration.sensors.conditions.ticks import automation_conditions

#: Kinds of conditions that only S3 shows.
_STORED_KINDS = {"days", "findings", "verification", "overdue"}


def alert_sensor(clock: Clock = utc_now) -> dg.SensorDefinition:
    """Notifies people through the channels of SIGNAL_BACKUPS_ALERT_URLS."""

    @dg.sensor(
        name=ALERT_SENSOR,
        minimum_interval_seconds=int(ALERT_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Notifies people of what is wrong with backups, checks, runs, schedules and the bucket. Starts no "
        "run.",
    )
    def alerts(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[SettingsSource], backup_store: BackupStore
    ) -> dg.SensorResult:
        current, now = settings.load(), clock()
        state, found = _gathered(context, current, backup_store, clock)
        messages = due_messages(state, found, now, timedelta(hours=current.alert_reminder_hours))
        channels = channels_of(current.alert_urls, current.alert_urls_critical)
        outcome = notify(channels, messages, now)
        failed = _failed_channels(state, channels, outcome)
        state = after_notifying(state, found, outcome.notified, outcome.missed, now)
        state = state.model_copy(update={"failed_channels": failed})
        sent = f"{len(messages)} messages to {len(outcome.deliveries)} channels" if messages else "no message is due"
        unset = f"; {NOTHING_CONFIGURED}" if messages and not channels else ""
        return dg.SensorResult(skip_reason=f"{len(found)} conditions, {sent}{unset}", cursor=state.model_dump_json())

    return alerts


def _gathered(
    context: dg.SensorEvaluationContext, settings: Settings, backup_store: BackupStore, clock: Clock
) -> tuple[AlertState, list[Condition]]:
    """Everything that is wrong. While S3 cannot be reached, the conditions that S3 showed stay as they were."""
    state = _stored_state(context, clock())
    snapshot = _snapshot(context, settings, state, clock)
    found = [
        *stuck_run_conditions(snapshot),
        *backup_run_conditions(snapshot),
        *asset_run_conditions(snapshot),
        *check_conditions(snapshot),
        *automation_conditions(snapshot, ALERT_SENSOR),
        *_channel_conditions(state),
    ]
    try:
        vault = observed(backup_store.vault())
        observation = observe_expected_days(
            vault,
            backup_store.retention_profile(),
            clock,
            start_date=settings.start_date,
            start_date_is_set=settings.start_date_is_set,
        )
        state = _with_new_events(state, vault)
        found += _stored_conditions(snapshot, vault, observation, state)
        found += unread_conditions(state.began, state.all_read_since, settings.read_within, snapshot.now)
        state = state.model_copy(update={"last_good": last_good(observation)})
    except SignalBackupsError as error:
        found += [_unreachable(error), *state.unchanged(_STORED_KINDS)]
    return state, [condition.model_copy(update={"last_good": state.last_good}) for condition in found]


def _snapshot(
    context: dg.SensorEvaluationContext, settings: Settings, state: AlertState, clock: Clock
) -> InstanceSnapshot:
    repository = context.repository_def
    if repository is None:
        raise dg.DagsterInvariantViolationError(f"{ALERT_SENSOR} needs to know its repository")
    now = clock()
    stuck = stuck_runs(context.instance, now)
    days = dagster_days(
        context.instance,
        daily_partitions(settings.start_date),
        days_between(settings.start_date, last_complete_day(clock)),
        stuck,
    )
    return InstanceSnapshot(
        instance=context.instance,
        repository=repository,
        state=state,
        busy=days.in_progress,
        failed=days.failed,
        stuck=[*stuck, *ended_since(context.instance, now - STUCK_RUN_SHOWN)],
        ui_url=settings.ui_url,
        now=now,
    )


def _with_new_events(state: AlertState, vault: BackupVault) -> AlertState:
    events, last = events_after(vault.trail, state.last_event)
    failed = failed_verifications(state.failed_verifications, events)
    since = all_read_since(state.all_read_since, events)
    return state.model_copy(update={"last_event": last, "failed_verifications": failed, "all_read_since": since})


def _stored_conditions(
    snapshot: InstanceSnapshot, vault: BackupVault, observation: Observation, state: AlertState
) -> Iterator[Condition]:
    yield from day_conditions(state, observation, snapshot.busy, snapshot.failed)
    yield from finding_conditions(observation)
    yield from verification_conditions(state.failed_verifications)
    yield from overdue_conditions(state.began, last_drill(vault), last_retention_audit(vault), snapshot.now)


def _unreachable(error: SignalBackupsError) -> Condition:
    return Condition(
        key="store/unreachable",
        severity=AlertSeverity.CRITICAL,
        what=f"nobody can see what is backed up: {error}",
        command="signal-backups doctor",
    )


def _channel_conditions(state: AlertState) -> Iterator[Condition]:
    """Channels that failed at their last notification; the other channels are notified of it."""
    for name, reason in state.failed_channels.items():
        yield Condition(
            key=f"channel/{name}",
            severity=AlertSeverity.WARNING,
            what=f"alert channel {name} does not take alerts: {reason}",
            command="signal-backups alert test",
        )


def _failed_channels(state: AlertState, channels: Sequence[Channel], outcome: Outcome) -> dict[str, str]:
    """Of the configured channels, those whose last notification failed, and why."""
    tried = {delivery.channel for delivery in outcome.deliveries}
    untried = {name: reason for name, reason in state.failed_channels.items() if name not in tried}
    failed = untried | {delivery.channel: delivery.reason for delivery in outcome.deliveries if not delivery.ok}
    return {channel.name: failed[channel.name] for channel in channels if channel.name in failed}


def _stored_state(context: dg.SensorEvaluationContext, now: datetime) -> AlertState:
    if not context.cursor:
        return AlertState(began=now)
    try:
        return AlertState.model_validate_json(context.cursor)
    except ValidationError:
        context.log.warning("the cursor cannot be read: people are notified again of everything that is wrong")
        return AlertState(began=now)
