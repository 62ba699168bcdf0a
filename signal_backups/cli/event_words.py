"""What a table says of an audit event: its days, and why it failed or was done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from signal_backups.cli.output import day_ranges
from signal_backups.core.base.days import parse_day
from signal_backups.core.base.errors import SettingsError
from signal_backups.core.ledger.event import Event
from signal_backups.core.vault.layout import Layout


def days_of(event: Event, layout: Layout) -> str:
    """The days that an event is about: those it names, else those of its objects; ``-`` for none."""
    details = event.details
    if "first_day" in details:
        return f"{details['first_day']} to {details.get('last_day')}"
    named = [details["day"]] if details.get("day") else details.get("days")
    days = [*_dates(named)] if isinstance(named, list) else []
    keys = [*(item.key for item in event.objects), str(details.get("key", ""))]
    return day_ranges(days or [*_days_of_keys(keys, layout)]) or "-"


def reason_of(event: Event) -> str:
    """Why it failed, what was found, or the reason that somebody gave; empty for none."""
    details = event.details
    found = details.get("error") or details.get("reason")
    listed = details.get("problems") or details.get("general") or []
    return " ".join(str(found or "; ".join(map(str, listed))).split())


def _dates(named: Iterable[Any]) -> Iterator[date]:
    for each in named:
        try:
            yield parse_day(str(each.get("day") if isinstance(each, dict) else each))
        except SettingsError:
            continue  # an event of any release can be shown


def _days_of_keys(keys: Iterable[str], layout: Layout) -> Iterator[date]:
    for key in keys:
        slot = layout.slot_of(key) or layout.slot_of_manifest(key) or layout.slot_of_quarantine(key)
        if slot is not None:
            yield slot.day
