"""Alerts on their way to real servers: who gets what, what happens to those that fail, and what never shows."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from signal_backups.core.config.settings import load_settings
from signal_backups.core.monitoring.alerts.channels import Channel, channels_of
from signal_backups.core.monitoring.alerts.condition import AlertSeverity, Condition, Days
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED, Outcome, notify
from signal_backups.core.monitoring.alerts.state import AlertState, Change, Message, after_notifying, due_messages
from signal_backups_tests.servers.receivers import SECRET, Receiver, smtp_receiver

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
MISSING = Condition(
    key="days/missing",
    severity=AlertSeverity.CRITICAL,
    what="2 days are not backed up",
    days=Days.of([date(2026, 11, 18), date(2026, 11, 19)]),
    last_good="2026-11-17, made 2026-11-18 02:00:07Z",
    command="signal-backups backup --from 2026-11-18 --to 2026-11-19",
    link="http://127.0.0.1:3000/runs/abc",
)
QUOTA = Condition(key="check/quota", severity=AlertSeverity.WARNING, what="8.2 of 10 GB used")


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def message_about(condition: Condition, change: Change = Change.NEW) -> Message:
    return Message(change, condition, NOW - timedelta(hours=25, minutes=7))


def configured(monkeypatch: pytest.MonkeyPatch, everything: str = "", critical: str = "") -> list[Channel]:
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", everything)
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS_CRITICAL", critical)
    settings = load_settings()
    return channels_of(settings.alert_urls, settings.alert_urls_critical)


def failed(outcome: Outcome) -> dict[str, str]:
    return {each.channel: each.reason for each in outcome.deliveries if not each.ok}


def test_a_message_says_all_that_somebody_needs_by_http_and_by_mail(
    http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = notify(configured(monkeypatch, f"{http.url}, {smtp.url}"), [message_about(MISSING)], NOW)
    assert (outcome.notified, failed(outcome)) == ({"days/missing"}, {})
    (posted,), (mailed,) = http.received, smtp.received
    assert posted.title == mailed.title == "[signal-backups CRITICAL] 2 days are not backed up"
    assert posted.body.splitlines() == [
        "2 days are not backed up",
        "Days (UTC): 2026-11-18 to 2026-11-19",
        "Since: 2026-11-19 01:53Z (25 h 7 min)",
        "Last good backup: 2026-11-17, made 2026-11-18 02:00:07Z",
        "Run: signal-backups backup --from 2026-11-18 --to 2026-11-19",
        "See: http://127.0.0.1:3000/runs/abc",
    ]
    assert mailed.body.split() == posted.body.split()


def test_every_recipient_of_an_address_gets_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    with smtp_receiver("night@example.com", "day@example.com") as smtp:
        notify(configured(monkeypatch, smtp.url), [message_about(MISSING)], NOW)
    assert {name for mail in smtp.received for name in mail.to} == {"night@example.com", "day@example.com"}


def test_reminders_and_recoveries_say_what_they_are(http: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [message_about(QUOTA, Change.REMINDER), message_about(MISSING, Change.RECOVERY)]
    notify(configured(monkeypatch, http.url), messages, NOW)
    recovered, reminder = http.received
    assert reminder.title == "[signal-backups WARNING, reminder] 8.2 of 10 GB used"
    assert recovered.title == "[signal-backups RECOVERED] 2 days are not backed up"
    assert recovered.body.startswith("Over: 2 days are not backed up\n")
    assert "Run:" not in recovered.body


def test_a_storm_is_one_text(http: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    storm = [message_about(MISSING.model_copy(update={"key": f"days/{number}"})) for number in range(40)]
    outcome = notify(configured(monkeypatch, http.url), storm, NOW)
    (received,) = http.received
    assert received.title == "[signal-backups CRITICAL] 2 days are not backed up (and 39 more)"
    assert received.body.count("Since:") == 40
    assert len(outcome.notified) == 40


def test_what_is_critical_goes_to_both_and_warnings_only_to_the_first(
    http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = configured(monkeypatch, http.url, smtp.url)
    assert notify(channels, [message_about(QUOTA)], NOW).notified == {"check/quota"}
    assert (len(http.received), len(smtp.received)) == (1, 0)
    notify(channels, [message_about(MISSING)], NOW)
    assert (len(http.received), len(smtp.received)) == (2, 1)


def test_a_warning_that_no_channel_takes_is_logged_and_counts_as_notified(
    http: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = notify(configured(monkeypatch, critical=http.url), [message_about(QUOTA)], NOW)
    assert (outcome.notified, outcome.deliveries, http.received) == ({"check/quota"}, [], [])
    assert "8.2 of 10 GB used" in caplog.text


def test_without_channels_alerts_are_logged_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert notify(configured(monkeypatch), [message_about(MISSING)], NOW).notified == {"days/missing"}
    assert NOTHING_CONFIGURED in caplog.text
    assert "2 days are not backed up" in caplog.text


def test_without_messages_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert notify([], [], NOW) == Outcome(set(), [], {})
    assert caplog.text == ""


def test_a_channel_that_fails_stops_no_other_and_is_named(
    http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    http.refuses = True
    channels = configured(monkeypatch, f"{http.url} {smtp.url}")
    outcome = notify(channels, [message_about(MISSING), message_about(QUOTA)], NOW)
    assert outcome.notified == {"days/missing", "check/quota"}
    assert len(smtp.received) == 2
    assert list(failed(outcome)) == ["1 json://127.0.0.1"]
    assert "error=401" in failed(outcome)["1 json://127.0.0.1"]
    assert "alert channel 1 json://127.0.0.1 failed" in caplog.text
    # Once is enough: the second text was not tried.
    assert http.refused == 1


def test_what_a_channel_missed_goes_to_it_when_it_is_back_and_to_no_other(
    http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    channels = configured(monkeypatch, smtp.url, http.url)
    state = AlertState(began=NOW)

    def look(minute: int) -> None:
        nonlocal state
        now = NOW + timedelta(minutes=minute)
        messages = due_messages(state, [MISSING, QUOTA], now, timedelta(hours=6))
        outcome = notify(channels, messages, now)
        state = after_notifying(state, [MISSING, QUOTA], outcome.notified, outcome.missed, now)

    http.refuses = True
    for minute in range(3):
        look(minute)
    # One text for each severity; the critical channel was tried each time.
    assert (len(smtp.take()), len(http.take()), http.refused) == (2, 0, 3)
    http.refuses = False
    for minute in range(3, 6):
        look(minute)
    assert http.titles == ["[signal-backups CRITICAL] 2 days are not backed up"]
    assert smtp.take() == []
    assert caplog.text.count("\n2 days are not backed up") == 1


def test_what_a_channel_missed_is_forgotten_with_the_channel(http: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = replace(message_about(MISSING), to=("2 mailto://127.0.0.1",))
    for channels in (configured(monkeypatch, http.url), []):
        assert notify(channels, [missed], NOW) == Outcome(set(), [], {"days/missing": ()})
    assert http.received == []


def test_when_all_channels_fail_nobody_was_notified(
    http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    http.refuses = smtp.refuses = True
    outcome = notify(configured(monkeypatch, f"{http.url} {smtp.url}"), [message_about(MISSING)], NOW)
    assert (outcome.notified, outcome.missed) == (set(), {})
    assert sorted(failed(outcome)) == ["1 json://127.0.0.1", "2 mailto://127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"json://127.0.0.1:1/{SECRET}", "1 json://127.0.0.1"),
        (f"json://user:{SECRET}@127.0.0.1:1/", "1 json://127.0.0.1"),
        (f"mailto://user:{SECRET}@127.0.0.1:1?from=a@example.com&mode=insecure", "1 mailto://127.0.0.1"),
        (f"nonsense://{SECRET}", "1 nonsense://"),
        (SECRET, "1 (not a URL)"),
        (f"json://[{SECRET}", "1 json://"),
    ],
)
def test_no_secret_shows_in_names_reasons_logs_or_output(
    url: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    channels = configured(monkeypatch, url)
    outcome = notify(channels, [message_about(MISSING)], NOW)
    assert outcome.notified == set()
    assert list(failed(outcome)) == [name]
    shown = "".join([*capfd.readouterr(), caplog.text, repr(outcome), repr(channels), str(load_settings())])
    assert SECRET not in shown
    assert f"alert channel {name} failed" in shown


@pytest.mark.parametrize(
    "url",
    [
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        f"ntfy://{SECRET}",
        f"notica://{SECRET}",
    ],
)
def test_the_name_of_an_address_whose_host_is_or_may_be_a_secret_is_its_scheme(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (channel,) = configured(monkeypatch, url)
    assert channel.name == f"1 {url.partition('://')[0]}://"


def test_addresses_are_parted_by_blanks_commas_and_lines_and_each_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mail = "mailto://a:b@example.com?to=x@example.com,y@example.com"
    channels = configured(monkeypatch, f" json://a/x,{mail}\n json://b , json://a/x ", "json://b json://c")
    assert [channel.url.get_secret_value() for channel in channels] == ["json://a/x", mail, "json://b", "json://c"]
    assert [channel.lowest for channel in channels] == [*[AlertSeverity.WARNING] * 3, AlertSeverity.CRITICAL]


def test_a_secret_that_a_server_sends_back_is_not_shown(http: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    (channel,) = configured(monkeypatch, http.url)
    assert SECRET not in channel._without_secrets(f"cannot POST /{SECRET}/")
