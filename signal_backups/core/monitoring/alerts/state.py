"""Open alerts, and which notifications are due: for a new condition, as a reminder, and when one is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, Field

from signal_backups.core.monitoring.alerts.condition import Condition, Days


class Change(StrEnum):
    """Why people are notified."""

    NEW = "alert"
    REMINDER = "reminder"
    RECOVERY = "recovered"


@dataclass(frozen=True)
class Message:
    """One notification.

    Attributes:
        change: why it is sent.
        condition: what it is about.
        since: when the condition began (UTC).
        to: names of channels; empty: all.
    """

    change: Change
    condition: Condition
    since: datetime
    to: tuple[str, ...] = ()


class OpenAlert(BaseModel, frozen=True, validate_by_alias=True, validate_by_name=True, serialize_by_alias=True):
    """A condition that is not over.

    Cursors store ``notified_at`` and ``notified_days`` under the names of earlier releases.

    Attributes:
        condition: the condition as it was found last.
        since: when it began (UTC).
        notified_at: when people were last notified (UTC); None: nobody could be.
        notified_days: the days that they were notified of.
        missed_by: channels that failed while others took the notification.
    """

    condition: Condition
    since: datetime
    notified_at: datetime | None = Field(None, alias="told_at")
    notified_days: Days = Field(Days(), alias="told_days")
    missed_by: tuple[str, ...] = ()


class AlertState(BaseModel, frozen=True):
    """What the alert sensor keeps from one tick to the next, as JSON in its cursor.

    Attributes:
        began: when the sensor first ran (UTC).
        open: open alerts by the keys of their conditions.
        failed_channels: channels that could not be reached, and why.
        last_event: number of the newest audit event that was read.
        failed_verifications: days that did not verify, and when (UTC).
        all_read_since: since when every verified day has been read back (UTC); None: no scrub has said so yet.
        last_good: the newest verified backup in words, as it was known last.
    """

    began: datetime
    open: dict[str, OpenAlert] = {}
    failed_channels: dict[str, str] = {}
    last_event: int | None = None
    failed_verifications: dict[date, datetime] = {}
    all_read_since: datetime | None = None
    last_good: str = ""

    def has_notified(self, key: str, day: date) -> bool:
        """Whether people have been notified of a day of a condition."""
        return key in self.open and day in self.open[key].notified_days

    def unchanged(self, kinds: Collection[str]) -> list[Condition]:
        """The open conditions of some kinds, for a tick that could not check them: they neither begin nor end."""
        return [alert.condition for alert in self.open.values() if alert.condition.kind in kinds]


def due_messages(state: AlertState, found: Iterable[Condition], now: datetime, reminder: timedelta) -> list[Message]:
    """The notifications that are due.

    Args:
        state: as it was after the last tick.
        found: the conditions found now.
        now: UTC.
        reminder: the time between two notifications of the same condition.
    """
    by_key = _by_key(found)
    messages = []
    for key, condition in by_key.items():
        alert = _opened(state.open.get(key), condition, now)
        change = _change(alert, condition, now, reminder)
        if change is not None:
            messages.append(Message(change, condition, alert.since))
        elif alert.missed_by:
            messages.append(Message(Change.NEW, condition, alert.since, alert.missed_by))
    ended = (alert for key, alert in state.open.items() if key not in by_key and alert.notified_at is not None)
    return messages + [Message(Change.RECOVERY, alert.condition, alert.since) for alert in ended]


def after_notifying(
    state: AlertState,
    found: Iterable[Condition],
    notified: Collection[str],
    missed: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> AlertState:
    """The state after some notifications were taken; the others are due again at the next tick.

    Args:
        state: as it was.
        found: the conditions found now.
        notified: keys of the conditions that at least one channel took.
        missed: by key, the channels that failed to take it; for them alone it is due again.
        now: UTC.
    """
    by_key = _by_key(found)
    still_open = {}
    for key, condition in by_key.items():
        alert = _opened(state.open.get(key), condition, now)
        if key in notified:
            alert = alert.model_copy(update={"notified_at": now, "notified_days": condition.days})
        still_open[key] = alert.model_copy(update={"missed_by": missed.get(key, alert.missed_by)})
    unnotified = {
        key: alert
        for key, alert in state.open.items()
        if key not in by_key and alert.notified_at is not None and key not in notified
    }
    return state.model_copy(update={"open": still_open | unnotified})


def _by_key(found: Iterable[Condition]) -> Mapping[str, Condition]:
    return {condition.key: condition for condition in found}


def _opened(alert: OpenAlert | None, condition: Condition, now: datetime) -> OpenAlert:
    if alert is None:
        return OpenAlert(condition=condition, since=condition.since or now)
    return alert.model_copy(update={"condition": condition})


def _change(alert: OpenAlert, condition: Condition, now: datetime, reminder: timedelta) -> Change | None:
    if alert.notified_at is None or not alert.notified_days.has_all_of(condition.days):
        return Change.NEW
    return Change.REMINDER if now >= alert.notified_at + reminder else None
