"""``signal-backups alert test``: one alert to real servers, and what is said of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.servers.receivers import SECRET, Receiver


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal without database and bucket: alerts need neither."""
    return Terminal(tmp_path, {})


def test_every_channel_gets_one_alert_and_is_named(terminal: Terminal, http: Receiver, smtp: Receiver) -> None:
    channels = {"SIGNAL_BACKUPS_ALERT_URLS": http.url, "SIGNAL_BACKUPS_ALERT_URLS_CRITICAL": smtp.url}
    done = terminal.run("alert", "test", **channels)
    assert (done.code, done.out) == (0, "1 json://127.0.0.1: sent\n2 mailto://127.0.0.1: sent\n"), done.err
    assert http.titles == smtp.titles == ["[signal-backups CRITICAL] This is a test: nothing is wrong"]


def test_a_warning_does_not_go_to_the_critical_channels(terminal: Terminal, http: Receiver, smtp: Receiver) -> None:
    channels = {"SIGNAL_BACKUPS_ALERT_URLS": http.url, "SIGNAL_BACKUPS_ALERT_URLS_CRITICAL": smtp.url}
    done = terminal.run("alert", "test", "--severity", "warning", "--json", **channels)
    assert done.json == {
        "ok": True,
        "severity": "warning",
        "channels": [
            {"channel": "1 json://127.0.0.1", "state": "sent", "reason": None},
            {"channel": "2 mailto://127.0.0.1", "state": "not_taken", "reason": None},
        ],
    }
    assert http.titles == ["[signal-backups WARNING] This is a test: nothing is wrong"]
    assert smtp.titles == []


def test_a_channel_that_fails_is_exit_code_1_and_its_secret_stays_secret(
    terminal: Terminal, http: Receiver, smtp: Receiver
) -> None:
    http.refuses = True
    done = terminal.run("alert", "test", SIGNAL_BACKUPS_ALERT_URLS=f"{http.url} {smtp.url}")
    assert (done.code, done.out) == (1, "2 mailto://127.0.0.1: sent\n")
    (line,) = done.err.splitlines()
    assert line.startswith("1 json://127.0.0.1: FAILED: Failed to send JSON POST notification")
    assert SECRET not in done.err + done.out
    assert len(smtp.titles) == 1
    found = terminal.run("alert", "test", "--json", SIGNAL_BACKUPS_ALERT_URLS=http.url).json
    (channel,) = found["channels"]
    assert (found["ok"], channel["state"]) == (False, "failed")
    assert "error=401" in channel["reason"]


def test_a_warning_that_no_channel_takes_is_exit_code_1(terminal: Terminal, http: Receiver) -> None:
    channels = {"SIGNAL_BACKUPS_ALERT_URLS_CRITICAL": http.url}
    done = terminal.run("alert", "test", "--severity", "warning", **channels)
    assert (done.code, done.out) == (1, "1 json://127.0.0.1: takes critical alerts only\n")
    assert done.err == "Nothing was sent: no channel takes an alert that is only a warning\n"
    assert terminal.run("alert", "test", "--severity", "warning", "--json", **channels).json["ok"] is False
    assert http.titles == []


def test_without_channels_it_is_exit_code_2_and_says_what_to_set(terminal: Terminal) -> None:
    done = terminal.run("alert", "test")
    assert done.code == 2
    assert "alerts are logged only. Set SIGNAL_BACKUPS_ALERT_URLS" in done.err
