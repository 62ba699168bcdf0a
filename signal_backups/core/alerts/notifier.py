"""The notifier: takes messages to the channels that want them, and says what came of it.

What belongs here: routing and grouping. What does not: speaking to a channel (``channels``), what is due (``state``).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from signal_backups.core.alerts.channels import Channel, Delivery
from signal_backups.core.alerts.condition import Severity
from signal_backups.core.alerts.state import Change, Message
from signal_backups.core.alerts.text import body_of, title_of

_log = logging.getLogger(__name__)

NOTHING_CONFIGURED = "no alert channel is set (SIGNAL_BACKUPS_ALERT_URLS): alerts are logged only"


@dataclass(frozen=True)
class Outcome:
    """What came of some messages: the keys that were told, and of each channel that was tried how it went."""

    told: Set[str]
    deliveries: Sequence[Delivery]


def notify(channels: Sequence[Channel], messages: Sequence[Message], now: datetime) -> Outcome:
    """Log the messages and take them to the channels, side by side; nothing raises.

    Messages of one change and severity go as one text: a storm is a few texts, not hundreds. A message is told when at
    least one channel took it, or none wants it: it is in the log.
    """
    groups = _groups(messages)
    for group in groups:
        level = logging.INFO if group[0].change is Change.RECOVERY else logging.ERROR
        _log.log(level, "%s\n%s", title_of(group), body_of(group, now))
    if not groups:
        return Outcome(set(), [])
    if not channels:
        _log.warning(NOTHING_CONFIGURED)
        return Outcome({message.condition.key for message in messages}, [])
    with ThreadPoolExecutor(len(channels)) as senders:
        taken = list(senders.map(lambda channel: _send(channel, groups, now), channels))
    deliveries = [delivery for _, found in taken for delivery in found]
    for delivery in deliveries:
        if not delivery.ok:
            _log.error("alert channel %s failed: %s", delivery.channel, delivery.reason)
    wanted = {key for channel in channels for group in groups if _wants(channel, group) for key in _keys(group)}
    told = {key for keys, _ in taken for key in keys}
    return Outcome({message.condition.key for message in messages} - wanted | told, deliveries)


def _send(channel: Channel, groups: Sequence[Sequence[Message]], now: datetime) -> tuple[Set[str], list[Delivery]]:
    """Send to one channel, until it fails: who waited in vain once is not kept waiting by the same channel again."""
    told: set[str] = set()
    delivery = None
    for group in groups:
        if _wants(channel, group):
            delivery = channel.send(title_of(group), body_of(group, now), _kind(group[0]))
            if not delivery.ok:
                break
            told |= _keys(group)
    return told, [delivery] if delivery else []


def _groups(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages of one change and severity together, what is critical and new first."""
    groups: dict[tuple[Severity, Change], list[Message]] = {
        (severity, change): [] for severity in (Severity.CRITICAL, Severity.WARNING) for change in Change
    }
    for message in messages:
        groups[message.condition.severity, message.change].append(message)
    return [group for group in groups.values() if group]


def _wants(channel: Channel, group: Sequence[Message]) -> bool:
    return channel.takes(group[0].condition.severity)


def _keys(group: Sequence[Message]) -> set[str]:
    return {message.condition.key for message in group}


def _kind(message: Message) -> str:
    if message.change is Change.RECOVERY:
        return "success"
    return "failure" if message.condition.severity is Severity.CRITICAL else "warning"
