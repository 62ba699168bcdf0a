"""``signal-backups alert test``: whether alerts arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_json, print_line, print_notice
from signal_backups.core.alerts.channels import Delivery, channels_of
from signal_backups.core.alerts.condition import Condition, Severity
from signal_backups.core.alerts.notifier import NOTHING_CONFIGURED, notify
from signal_backups.core.alerts.state import Change, Message
from signal_backups.core.days import utc_now
from signal_backups.core.errors import ExitCode, SettingsError
from signal_backups.core.settings import load_settings

alert = typer.Typer(no_args_is_help=True, help="Alerts: the channels of SIGNAL_BACKUPS_ALERT_URLS.")


@alert.callback()
def _only_in_words() -> None:
    """Keeps ``test`` a command of its own, although there is no other yet."""


@alert.command("test")
def send_test(
    severity: Annotated[
        Severity, typer.Option("--severity", help="How severe it is: warnings do not go to the critical channels.")
    ] = Severity.CRITICAL,
    as_json: JsonOption = False,
) -> None:
    """Send one alert to every channel that takes such alerts, and say of each what happened."""
    channels = channels_of(load_settings())
    if not channels:
        raise SettingsError(NOTHING_CONFIGURED, remedy="Set SIGNAL_BACKUPS_ALERT_URLS, see .env.example")
    now = utc_now()
    condition = Condition(key="test/alert", severity=severity, what="This is a test: nothing is wrong")
    outcome = notify(channels, [Message(Change.NEW, condition, now)], now)
    tried = {delivery.channel: delivery for delivery in outcome.deliveries}
    ok = all(delivery.ok for delivery in outcome.deliveries)
    words = {channel.name: _words(tried.get(channel.name)) for channel in channels}
    if as_json:
        print_json({"ok": ok, "severity": severity.value, "channels": words})
    else:
        for name, word in words.items():
            (print_line if word in {_SENT, _NOT_ITS_SEVERITY} else print_notice)(f"{name}: {word}")
    raise typer.Exit(int(ExitCode.OK if ok else ExitCode.FAILED))


_SENT, _NOT_ITS_SEVERITY = "sent", "takes critical alerts only"


def _words(delivery: Delivery | None) -> str:
    if delivery is None:
        return _NOT_ITS_SEVERITY
    return _SENT if delivery.ok else f"FAILED: {delivery.reason}"
