"""``signal-backups alert test``: whether alerts arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_json, print_line, print_notice
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.config.settings import load_settings
from signal_backups.core.monitoring.alerts.channels import Delivery, channels_of
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED, send
from signal_backups.core.monitoring.alerts.state import Change, Message

alert = typer.Typer(no_args_is_help=True, help="Test the channels that alerts are sent to.")


@alert.callback()
def _only_in_words() -> None:
    """Keeps ``test`` a command of its own, although there is no other yet."""


@alert.command("test")
def send_test(
    severity: Annotated[
        AlertSeverity, typer.Option("--severity", help="How severe it is: warnings do not go to the critical channels.")
    ] = AlertSeverity.CRITICAL,
    as_json: JsonOption = False,
) -> None:
    """Send one alert to every channel that takes such alerts, and say of each what happened."""
    settings = load_settings()
    channels = channels_of(settings.alert_urls, settings.alert_urls_critical)
    if not channels:
        raise SettingsError(NOTHING_CONFIGURED, remedy="Set SIGNAL_BACKUPS_ALERT_URLS, see .env.example")
    now = utc_now()
    condition = Condition(key="test/alert", severity=severity, what="This is a test: nothing is wrong")
    message = Message(Change.NEW, condition, now)
    deliveries = {each.name: send(each, [message], now) if each.takes(severity) else None for each in channels}
    tried = [delivery.ok for delivery in deliveries.values() if delivery]
    ok = bool(tried) and all(tried)
    if as_json:
        found = [{"channel": name, "state": _state(each), "reason": _reason(each)} for name, each in deliveries.items()]
        print_json({"ok": ok, "severity": severity.value, "channels": found})
    else:
        for name, delivery in deliveries.items():
            reason = _reason(delivery)
            (print_notice if reason else print_line)(f"{name}: {_WORDS[_state(delivery)]}{reason or ''}")
        if not tried:
            print_notice(f"Nothing was sent: no channel takes an alert that is only a {severity}")
    raise typer.Exit(int(ExitCode.OK if ok else ExitCode.FAILED))


_WORDS = {"sent": "sent", "failed": "FAILED: ", "not_taken": "takes critical alerts only"}


def _state(delivery: Delivery | None) -> str:
    if delivery is None:
        return "not_taken"
    return "sent" if delivery.ok else "failed"


def _reason(delivery: Delivery | None) -> str | None:
    return delivery.reason if delivery and not delivery.ok else None
