"""What people have been told: a new condition at once, a lasting one at an interval, the end of one when it ends.

What belongs here: deciding what is due, and what is remembered of it. What does not: telling (``notifier``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from signal_backups.core.monitoring.alerts.condition import Condition, Days


class Change(StrEnum):
    """Why people are told."""

    NEW = "alert"
    REMINDER = "reminder"
    RECOVERY = "recovered"


@dataclass(frozen=True)
class Message:
    """One thing to tell; ``since`` is when the condition began (UTC), ``to`` are names of channels, empty: all."""

    change: Change
    condition: Condition
    since: datetime
    to: tuple[str, ...] = ()


class OpenAlert(BaseModel):
    """A condition that lasts.

    ``told_at`` is None while nobody could be told, ``told_days`` were told of. ``missed_by`` are the channels that
    failed when others were told.
    """

    model_config = ConfigDict(frozen=True)

    condition: Condition
    since: datetime
    told_at: datetime | None = None
    told_days: Days = Days()
    missed_by: tuple[str, ...] = ()


class AlertState(BaseModel):
    """What is remembered between two looks, as JSON in a cursor; as large as there are kinds of conditions.

    ``last_event`` is the number of the audit event read last, ``failed_verifications`` are days that did not verify and
    when, ``failed_channels`` are the channels that could not be reached and why, ``last_good`` is the newest verified
    backup in words, as seen last.
    """

    model_config = ConfigDict(frozen=True)

    began: datetime
    open: dict[str, OpenAlert] = {}
    failed_channels: dict[str, str] = {}
    last_event: int | None = None
    failed_verifications: dict[date, datetime] = {}
    last_good: str = ""

    def knows(self, key: str, day: date) -> bool:
        """Whether people have been told of a day of a condition."""
        return key in self.open and day in self.open[key].told_days

    def unseen(self, kinds: Collection[str]) -> list[Condition]:
        """The conditions of some kinds as they were: nobody could look, so they neither begin nor end."""
        return [alert.condition for alert in self.open.values() if alert.condition.kind in kinds]


def due_messages(state: AlertState, found: Iterable[Condition], now: datetime, reminder: timedelta) -> list[Message]:
    """What to tell, of the conditions found now."""
    by_key = _by_key(found)
    messages = []
    for key, condition in by_key.items():
        alert = _opened(state.open.get(key), condition, now)
        change = _change(alert, condition, now, reminder)
        if change is not None:
            messages.append(Message(change, condition, alert.since))
        elif alert.missed_by:
            messages.append(Message(Change.NEW, condition, alert.since, alert.missed_by))
    ended = (alert for key, alert in state.open.items() if key not in by_key and alert.told_at is not None)
    return messages + [Message(Change.RECOVERY, alert.condition, alert.since) for alert in ended]


def after_telling(
    state: AlertState,
    found: Iterable[Condition],
    told: Collection[str],
    missed: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> AlertState:
    """The state once the messages of some keys have been told; the others are due again at the next look.

    Args:
        state: as it was.
        found: the conditions found now.
        told: keys that somebody was told of.
        missed: by key, the channels that failed to take what is told; to them alone it is due again.
        now: UTC.
    """
    by_key = _by_key(found)
    still_open = {}
    for key, condition in by_key.items():
        alert = _opened(state.open.get(key), condition, now)
        if key in told:
            alert = alert.model_copy(update={"told_at": now, "told_days": condition.days})
        still_open[key] = alert.model_copy(update={"missed_by": missed.get(key, alert.missed_by)})
    untold = {
        key: alert
        for key, alert in state.open.items()
        if key not in by_key and alert.told_at is not None and key not in told
    }
    return state.model_copy(update={"open": still_open | untold})


def _by_key(found: Iterable[Condition]) -> Mapping[str, Condition]:
    return {condition.key: condition for condition in found}


def _opened(alert: OpenAlert | None, condition: Condition, now: datetime) -> OpenAlert:
    if alert is None:
        return OpenAlert(condition=condition, since=condition.since or now)
    return alert.model_copy(update={"condition": condition})


def _change(alert: OpenAlert, condition: Condition, now: datetime, reminder: timedelta) -> Change | None:
    if alert.told_at is None or not alert.told_days.has_all_of(condition.days):
        return Change.NEW
    return Change.REMINDER if now >= alert.told_at + reminder else None
