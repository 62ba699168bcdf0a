"""The sensor that tells people: everything that is wrong, once, again at an interval, and when it is over.

What belongs here: gathering conditions from S3 and the instance, and keeping the state in the cursor. What does not:
deciding what is due and sending it (``core.alerts``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import dagster as dg
from pydantic import ValidationError

from signal_backups.core.base.days import Clock, days_between, last_complete_day, utc_now
from signal_backups.core.base.errors import SignalBackupsError
from signal_backups.core.base.objectives import ALERT_INTERVAL
from signal_backups.core.config.observed import observed
from signal_backups.core.config.settings import load_settings
from signal_backups.core.monitoring.alerts.channels import Channel, channels_of
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED, Outcome, notify
from signal_backups.core.monitoring.alerts.state import AlertState, after_telling, due_messages
from signal_backups.core.monitoring.alerts.storage_conditions import (
    day_conditions,
    last_good,
    overdue_conditions,
    verification_conditions,
)
from signal_backups.core.monitoring.new_events import events_after, failed_verifications
from signal_backups.core.monitoring.observation import Observation
from signal_backups.core.monitoring.overdue import last_drill, last_retention_audit
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.instance.day_status import dagster_days
from signal_backups.orchestration.partitions import daily_partitions
from signal_backups.orchestration.resources import BackupStore
from signal_backups.orchestration.sensors.conditions.asset_checks import check_conditions
from signal_backups.orchestration.sensors.conditions.runs import asset_run_conditions, backup_run_conditions
from signal_backups.orchestration.sensors.conditions.snapshot import Look
from signal_backups.orchestration.sensors.conditions.ticks import ticking_conditions

ALERT_SENSOR = "alert_sensor"

#: Kinds of conditions that only S3 can tell of.
_STORED_KINDS = {"days", "verification", "overdue"}


def alert_sensor(clock: Clock = utc_now) -> dg.SensorDefinition:
    """Looks at S3 and at the instance, and tells people through the channels of SIGNAL_BACKUPS_ALERT_URLS."""

    @dg.sensor(
        name=ALERT_SENSOR,
        minimum_interval_seconds=int(ALERT_INTERVAL.total_seconds()),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells people what is wrong with backups, checks, runs, schedules and the bucket. Starts no run.",
    )
    def alerts(context: dg.SensorEvaluationContext, backup_store: BackupStore) -> dg.SensorResult:
        settings, now = load_settings(), clock()
        state, found = _gathered(context, backup_store, _state(context, now), clock)
        messages = due_messages(state, found, now, timedelta(hours=settings.alert_reminder_hours))
        channels = channels_of(settings.alert_urls, settings.alert_urls_critical)
        outcome = notify(channels, messages, now)
        failed = _failed_channels(state, channels, outcome)
        state = after_telling(state, found, outcome.told, outcome.missed, now)
        state = state.model_copy(update={"failed_channels": failed})
        told = f"{len(messages)} messages to {len(outcome.deliveries)} channels" if messages else "nothing to tell"
        unset = f"; {NOTHING_CONFIGURED}" if messages and not channels else ""
        return dg.SensorResult(skip_reason=f"{len(found)} conditions, {told}{unset}", cursor=state.model_dump_json())

    return alerts


def _gathered(
    context: dg.SensorEvaluationContext, backup_store: BackupStore, state: AlertState, clock: Clock
) -> tuple[AlertState, list[Condition]]:
    """Everything that is wrong; what could not be looked at is as it was."""
    now, settings = clock(), load_settings()
    days = dagster_days(
        context.instance,
        daily_partitions(settings.start_date),
        days_between(settings.start_date, last_complete_day(clock)),
    )
    repository = context.repository_def
    if repository is None:
        raise dg.DagsterInvariantViolationError(f"{ALERT_SENSOR} needs to know its repository")
    look = Look(context.instance, repository, state, days.in_progress, days.failed, settings.ui_url, now)
    found = [
        *backup_run_conditions(look),
        *asset_run_conditions(look),
        *check_conditions(look),
        *ticking_conditions(look, ALERT_SENSOR),
        *_channel_conditions(state),
    ]
    try:
        vault = backup_store.vault()
        observation = observed(vault, backup_store.retention_profile(), clock)
        state = _read_on(state, vault)
        found += _stored_conditions(look, vault, observation, state)
        state = state.model_copy(update={"last_good": last_good(observation)})
    except SignalBackupsError as error:
        found += [_unreachable(error), *state.unseen(_STORED_KINDS)]
    return state, [condition.model_copy(update={"last_good": state.last_good}) for condition in found]


def _read_on(state: AlertState, vault: BackupVault) -> AlertState:
    events, last = events_after(vault.trail, state.last_event)
    failed = failed_verifications(state.failed_verifications, events)
    return state.model_copy(update={"last_event": last, "failed_verifications": failed})


def _stored_conditions(
    look: Look, vault: BackupVault, observation: Observation, state: AlertState
) -> Iterator[Condition]:
    yield from day_conditions(state, observation, look.busy, look.failed)
    yield from verification_conditions(state.failed_verifications)
    yield from overdue_conditions(state.began, last_drill(vault), last_retention_audit(vault), look.now)


def _unreachable(error: SignalBackupsError) -> Condition:
    return Condition(
        key="store/unreachable",
        severity=AlertSeverity.CRITICAL,
        what=f"nobody can see what is backed up: {error}",
        command="signal-backups doctor",
    )


def _channel_conditions(state: AlertState) -> Iterator[Condition]:
    """Channels that failed when something was to be told last; the others get to know."""
    for name, reason in state.failed_channels.items():
        yield Condition(
            key=f"channel/{name}",
            severity=AlertSeverity.WARNING,
            what=f"alert channel {name} does not take alerts: {reason}",
            command="signal-backups alert test",
        )


def _failed_channels(state: AlertState, channels: Sequence[Channel], outcome: Outcome) -> dict[str, str]:
    """Of the channels there are, those whose last try failed, and why."""
    tried = {delivery.channel for delivery in outcome.deliveries}
    untried = {name: reason for name, reason in state.failed_channels.items() if name not in tried}
    failed = untried | {delivery.channel: delivery.reason for delivery in outcome.deliveries if not delivery.ok}
    return {channel.name: failed[channel.name] for channel in channels if channel.name in failed}


def _state(context: dg.SensorEvaluationContext, now: datetime) -> AlertState:
    if not context.cursor:
        return AlertState(began=now)
    try:
        return AlertState.model_validate_json(context.cursor)
    except ValidationError:
        context.log.warning("the cursor cannot be read: everything that is wrong is told again")
        return AlertState(began=now)
