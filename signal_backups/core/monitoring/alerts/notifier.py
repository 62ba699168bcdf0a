"""The notifier: sends messages to the channels that take them, in groups, and reports the outcome."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.monitoring.alerts.channels import Channel, Delivery
from signal_backups.core.monitoring.alerts.condition import AlertSeverity
from signal_backups.core.monitoring.alerts.state import Change, Message
from signal_backups.core.monitoring.alerts.text import body_of, title_of

_log = logging.getLogger(__name__)

NOTHING_CONFIGURED = "no alert channel is set (SIGNAL_BACKUPS_ALERT_URLS): alerts are logged only"


@dataclass(frozen=True)
class Outcome:
    """The outcome of some messages.

    Attributes:
        notified: keys of the messages to all channels that at least one channel took. A message that no channel takes
            counts too: it is in the log output.
        deliveries: one for each channel that was tried.
        missed: by key, the channels that failed while another took the message.
    """

    notified: Set[str]
    deliveries: Sequence[Delivery]
    missed: Mapping[str, tuple[str, ...]]


def notify(channels: Sequence[Channel], messages: Sequence[Message], now: datetime) -> Outcome:
    """Log the messages and send them to all channels in parallel; never raises.

    Messages of one change and severity are sent as one text, so that hundreds of alerts are a few texts.
    """
    groups = _groups(messages)
    for group in groups:
        if not group[0].to:  # Otherwise an earlier tick has logged it.
            level = logging.INFO if group[0].change is Change.RECOVERY else logging.ERROR
            _log.log(level, "%s\n%s", title_of(group), body_of(group, now))
    if groups and not channels:
        _log.warning(NOTHING_CONFIGURED)
    taken = in_parallel(lambda channel: _send(channel, groups, now), channels)
    deliveries = [delivery for _, found in taken for delivery in found]
    for delivery in deliveries:
        if not delivery.ok:
            _log.error("alert channel %s failed: %s", delivery.channel, delivery.reason)
    return _outcome(messages, channels, [keys for keys, _ in taken], deliveries)


def _outcome(
    messages: Sequence[Message],
    channels: Sequence[Channel],
    taken: Sequence[Set[str]],
    deliveries: Sequence[Delivery],
) -> Outcome:
    notified: set[str] = set()
    missed = {}
    for message in messages:
        key = message.condition.key
        took = {
            channel.name: key in keys for channel, keys in zip(channels, taken, strict=True) if _wants(channel, message)
        }
        if not message.to and (any(took.values()) or not took):
            notified.add(key)
        if message.to or key in notified:
            missed[key] = tuple(name for name, ok in took.items() if not ok)
    return Outcome(notified, deliveries, missed)


def send(channel: Channel, group: Sequence[Message], now: datetime) -> Delivery:
    """Send messages of one change and severity as one text."""
    return channel.send(title_of(group), body_of(group, now), _kind(group[0]))


def _send(channel: Channel, groups: Sequence[Sequence[Message]], now: datetime) -> tuple[Set[str], list[Delivery]]:
    """Send to one channel until it fails: a channel that does not answer costs its timeout only once."""
    taken: set[str] = set()
    delivery = None
    for group in groups:
        if _wants(channel, group[0]):
            delivery = send(channel, group, now)
            if not delivery.ok:
                break
            taken |= _keys(group)
    return taken, [delivery] if delivery else []


def _groups(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages by severity, change and channels; critical and new ones first."""
    groups: dict[tuple[AlertSeverity, Change, tuple[str, ...]], list[Message]] = {}
    for message in sorted(messages, key=_urgency):
        groups.setdefault((message.condition.severity, message.change, message.to), []).append(message)
    return list(groups.values())


def _urgency(message: Message) -> tuple[bool, int]:
    return message.condition.severity is not AlertSeverity.CRITICAL, list(Change).index(message.change)


def _wants(channel: Channel, message: Message) -> bool:
    return channel.takes(message.condition.severity) and (not message.to or channel.name in message.to)


def _keys(group: Sequence[Message]) -> set[str]:
    return {message.condition.key for message in group}


def _kind(message: Message) -> str:
    if message.change is Change.RECOVERY:
        return "success"
    return "failure" if message.condition.severity is AlertSeverity.CRITICAL else "warning"
