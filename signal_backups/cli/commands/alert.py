"""``signal-backups alert test``: whether alerts arrive."""

from __future__ import annotations

from typing import Annotated, Literal

import typer
from pydantic import BaseModel

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line, print_notice
from signal_backups.cli.results import CommandResult, show
from signal_backups.core.base.days import utc_now
from signal_backups.core.base.errors import ExitCode, SettingsError
from signal_backups.core.config.settings import load_settings
from signal_backups.core.monitoring.alerts.channels import Delivery, channels_of
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED, send
from signal_backups.core.monitoring.alerts.state import Change, Message

alert = typer.Typer(no_args_is_help=True, help="Test the channels that alerts are sent to.")


class TestedChannel(BaseModel, frozen=True):
    """What happened to the test alert on one channel; ``reason`` is there when it failed."""

    channel: str
    state: Literal["sent", "failed", "not_taken"]
    reason: str | None = None

    @classmethod
    def of(cls, channel: str, delivery: Delivery | None) -> TestedChannel:
        """A channel that does not take such alerts has no delivery."""
        if delivery is None:
            return cls(channel=channel, state="not_taken")
        if delivery.ok:
            return cls(channel=channel, state="sent")
        return cls(channel=channel, state="failed", reason=delivery.reason)


class AlertTest(CommandResult):
    """The document of ``alert test``."""

    severity: AlertSeverity
    channels: list[TestedChannel]


@alert.callback()
def _group() -> None:
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
    tested = [TestedChannel.of(name, each) for name, each in deliveries.items()]
    show(AlertTest(ok=ok, severity=severity, channels=tested), _print, as_json=as_json)
    raise typer.Exit(int(ExitCode.OK if ok else ExitCode.FAILED))


_WORDS = {"sent": "sent", "failed": "FAILED: ", "not_taken": "takes critical alerts only"}


def _print(result: AlertTest) -> None:
    for tested in result.channels:
        line = f"{tested.channel}: {_WORDS[tested.state]}{tested.reason or ''}"
        (print_notice if tested.reason else print_line)(line)
    if all(tested.state == "not_taken" for tested in result.channels):
        print_notice(f"Nothing was sent: no channel takes an alert that is only a {result.severity}")
