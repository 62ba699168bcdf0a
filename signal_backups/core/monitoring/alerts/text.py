"""Messages as text: a title, and a body that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signal_backups.core.monitoring.alerts.state import Change, Message

_MAX_TITLE = 150


def title_of(messages: Sequence[Message]) -> str:
    """One line for messages of one change and severity."""
    first = messages[0]
    label = first.change.value if first.change is Change.RECOVERY else first.condition.severity.value
    reminder = ", reminder" if first.change is Change.REMINDER else ""
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    what = first.condition.what.partition("\n")[0]
    return f"[signal-backups {label.upper()}{reminder}] {what[:_MAX_TITLE].rstrip()}{more}"


def body_of(messages: Sequence[Message], now: datetime) -> str:
    """Days, time, last good backup, command and link of each message."""
    return "\n\n".join("\n".join(_lines(message, now)) for message in messages)


def _lines(message: Message, now: datetime) -> list[str]:
    condition, is_over = message.condition, message.change is Change.RECOVERY
    lines = [f"Over: {condition.what}" if is_over else condition.what]
    if condition.days.ranges:
        lines.append(f"Days (UTC): {condition.days}")
    minutes = max(0, round((now - message.since).total_seconds() / 60))
    lines.append(f"Since: {message.since:%Y-%m-%d %H:%M}Z ({minutes // 60} h {minutes % 60} min)")
    if is_over:
        return lines
    labelled = {"Last good backup": condition.last_good, "Run": condition.command, "See": condition.link}
    return lines + [f"{label}: {text}" for label, text in labelled.items() if text]
