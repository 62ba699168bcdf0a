"""The notifier: takes messages to the channels that want them, and says what came of it.

What belongs here: routing and grouping. What does not: speaking to a channel (``channels``), what is due (``state``).
"""

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
    """What came of some messages.

    Attributes:
        told: keys of messages to all that at least one channel took, or none wants: they are in the log.
        deliveries: of each channel that was tried how it went.
        missed: by key, the channels that failed to take what is told.
    """

    told: Set[str]
    deliveries: Sequence[Delivery]
    missed: Mapping[str, tuple[str, ...]]


def notify(channels: Sequence[Channel], messages: Sequence[Message], now: datetime) -> Outcome:
    """Log the messages and take them to the channels, side by side; nothing raises.

    Messages of one change and severity go as one text: a storm is a few texts, not hundreds.
    """
    groups = _groups(messages)
    for group in groups:
        if not group[0].to:  # else it is in the log already
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
    told: set[str] = set()
    missed = {}
    for message in messages:
        key = message.condition.key
        took = {
            channel.name: key in keys for channel, keys in zip(channels, taken, strict=True) if _wants(channel, message)
        }
        if not message.to and (any(took.values()) or not took):
            told.add(key)
        if message.to or key in told:
            missed[key] = tuple(name for name, ok in took.items() if not ok)
    return Outcome(told, deliveries, missed)


def send(channel: Channel, group: Sequence[Message], now: datetime) -> Delivery:
    """Send messages of one change and severity as one text."""
    return channel.send(title_of(group), body_of(group, now), _kind(group[0]))


def _send(channel: Channel, groups: Sequence[Sequence[Message]], now: datetime) -> tuple[Set[str], list[Delivery]]:
    """Send to one channel, until it fails: who waited in vain once is not kept waiting by the same channel again."""
    told: set[str] = set()
    delivery = None
    for group in groups:
        if _wants(channel, group[0]):
            delivery = send(channel, group, now)
            if not delivery.ok:
                break
            told |= _keys(group)
    return told, [delivery] if delivery else []


def _groups(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages of one change and severity to the same channels together, what is critical and new first."""
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
