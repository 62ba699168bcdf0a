"""Channels: Apprise URLs that notifications are sent to. Their secrets never leave this module."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from signal_backups.core.monitoring.alerts.condition import AlertSeverity

if TYPE_CHECKING:
    from apprise import Apprise

#: How long one channel may take for one text.
TIMEOUT_S = 15

_URL_START = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")


@dataclass(frozen=True)
class Delivery:
    """The result of sending to a channel; ``reason`` says why it failed, without secrets."""

    channel: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True)
class Channel:
    """One address; ``lowest`` is the least severe it gets.

    ``name`` is shown: place in the settings, scheme and, where it is one, host. In many addresses that is a token.
    """

    name: str
    lowest: AlertSeverity
    url: SecretStr = field(repr=False)
    apprise: Apprise = field(repr=False, compare=False)

    def takes(self, severity: AlertSeverity) -> bool:
        """Whether it gets what is so severe."""
        return severity is AlertSeverity.CRITICAL or self.lowest is AlertSeverity.WARNING

    def send(self, title: str, body: str, kind: str) -> Delivery:
        """Send one text; a channel never raises.

        Args:
            title: one line.
            body: plain text.
            kind: Apprise's ``failure``, ``warning`` or ``success``.
        """
        if not len(self.apprise):
            return Delivery(self.name, ok=False, reason="Apprise does not understand its address")
        reasons: list[str] = []
        try:
            result = self.apprise.notify(
                title=title,
                body=body,
                notify_type=kind,
                timeout=TIMEOUT_S,
                log_callback=_collecting(reasons),
                log_level=logging.WARNING,
            )
        except Exception as error:  # noqa: BLE001 - a channel is foreign code, and must never stop a run or the others
            return Delivery(self.name, ok=False, reason=f"unexpected {type(error).__name__}")
        if result:
            return Delivery(self.name, ok=True)
        return Delivery(self.name, ok=False, reason=self._without_secrets("; ".join(reasons)) or "no answer in time")

    def _without_secrets(self, text: str) -> str:
        """Apprise's own words, less every part of the address that is not shown anyway."""
        parts = set(re.split(r"[^\w.-]+", self.url.get_secret_value())) - set(re.split(r"[^\w.-]+", self.name))
        for part in sorted((part for part in parts if len(part) > 2), key=len, reverse=True):
            text = text.replace(part, "***")
        return text


def channels_of(all_urls: SecretStr | None, critical_urls: SecretStr | None) -> list[Channel]:
    """The channels that two lists of URLs name, each once: those for every alert, then those for critical ones."""
    channels: dict[str, Channel] = {}
    for secret, lowest in ((all_urls, AlertSeverity.WARNING), (critical_urls, AlertSeverity.CRITICAL)):
        for url in _urls(secret):
            if url not in channels:
                apprise = _apprise(url)
                name = f"{len(channels) + 1} {_shown(url, apprise)}"
                channels[url] = Channel(name, lowest, SecretStr(url), apprise)
    return list(channels.values())


def _urls(secret: SecretStr | None) -> list[str]:
    # A comma within an address parts its recipients; only before a scheme it parts addresses.
    text = secret.get_secret_value().strip(" \t\r\n,") if secret else ""
    return _URL_START.split(text) if text else []


def _shown(url: str, apprise: Apprise) -> str:
    scheme, found, _ = url.partition("://")
    if not found:
        return "(not a URL)"
    host = next((service.host for service in apprise if _always_has_host(service)), "")
    return f"{scheme}://{host}"


def _always_has_host(service: Any) -> bool:
    # Of ntfy://TOPIC the topic is the secret, and Apprise calls it the host.
    return all("{host}" in template for template in service.templates)


def _collecting(reasons: list[str]) -> Callable[[Any, Any], None]:
    def collect(entry: Any, service: Any) -> None:
        del service
        reasons.append(str(entry.message))

    return collect


def _apprise(url: str) -> Apprise:
    from apprise import Apprise  # noqa: PLC0415  takes a while to load, and most commands never alert

    # Its debug lines, and those of its HTTP client, contain whole addresses.
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.WARNING)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
    apprise = Apprise()
    logger.disabled = True  # An address that it does not understand is in its error.
    try:
        apprise.add(url)
    finally:
        logger.disabled = False
    return apprise
