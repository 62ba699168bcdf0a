"""What the alert sensor does whatever is wrong: channels and stores that fail, secrets, its cursor, its requests."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from signal_backups.core.base.days import days_between
from signal_backups.core.ledger.event import Action
from signal_backups.core.monitoring.alerts.notifier import NOTHING_CONFIGURED
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.vault import BackupVault
from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups_tests.core.monitoring.watched import Watched
from signal_backups_tests.orchestration.alerts import LAST, REMINDER, Notified, hide, the_only_alert
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World
from signal_backups_tests.servers.receivers import Receiver


def test_it_is_on_by_default_and_starts_nothing(ticks: Ticks) -> None:
    sensor = ticks.repository.get_sensor_def(ALERT_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.minimum_interval_seconds == 120
    found = ticks.tick()
    assert (found.run_requests, found.skip_message) == ([], "0 conditions, no message is due")


def test_a_bucket_that_cannot_be_reached_ends_nothing_and_is_notified(
    watched: World, ticks: Ticks, notified: Notified
) -> None:
    hide(watched, LAST)
    assert len(notified()) == 1
    ticks.use_vault(BackupVault(S3ObjectStore(watched.vault.store._client, "no-such-bucket"), watched.vault.layout))
    alert = the_only_alert(notified)
    assert alert.title.startswith("[signal-backups CRITICAL] nobody can see what is backed up: ")
    assert notified() == []
    ticks.use_vault(None)
    (over,) = notified()
    assert over.title.startswith("[signal-backups RECOVERED] nobody can see what is backed up: ")


def test_the_other_channel_is_notified_of_a_channel_that_fails_and_of_its_return(
    watched: World, ticks: Ticks, http: Receiver, smtp: Receiver
) -> None:
    hide(watched, LAST)
    http.refuses = True
    ticks.tick()
    assert [len(smtp.take()), http.refused] == [1, 1]
    ticks.tick()
    (warning,) = smtp.take()
    words = "alert channel 1 json://127.0.0.1 does not take alerts: Failed to send JSON POST notification: "
    assert warning.title.startswith(f"[signal-backups WARNING] {words}")
    assert "Run: signal-backups alert test" in warning.body
    ticks.tick()
    assert smtp.take() == []
    http.refuses = False
    ticks.tick(REMINDER)
    assert len(http.take()) == len(smtp.take()) == 2
    ticks.tick()
    assert [each.title[:26] for each in smtp.take()] == ["[signal-backups RECOVERED]"]


def test_what_no_channel_took_is_sent_when_one_is_back(
    watched: World, ticks: Ticks, http: Receiver, smtp: Receiver
) -> None:
    hide(watched, LAST)
    http.refuses = smtp.refuses = True
    ticks.tick()
    ticks.tick()
    http.refuses = smtp.refuses = False
    ticks.tick()
    assert "[signal-backups CRITICAL] 1 day is hidden by a delete marker" in http.titles
    assert Counter(http.titles) == Counter(smtp.titles)


def test_without_a_channel_it_says_that_alerts_are_logged_only(
    watched: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("SIGNAL_BACKUPS_ALERT_URLS")
    hide(watched, LAST)
    found = ticks.tick()
    assert NOTHING_CONFIGURED in (found.skip_message or "")
    assert "1 day is hidden by a delete marker" in caplog.text
    assert ticks.tick().skip_message == "1 conditions, no message is due"


def test_the_secret_of_a_channel_is_in_no_cursor_message_or_log(
    watched: World, ticks: Ticks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", "json://user:hush-hush@127.0.0.1:1/hush-hush")
    hide(watched, LAST)
    found = [ticks.tick() for _ in range(3)]
    assert "json://127.0.0.1" in str(found[-1].cursor)
    assert "hush-hush" not in caplog.text + "".join(f"{each.cursor}{each.skip_message}" for each in found)


def test_a_cursor_that_cannot_be_read_notifies_of_everything_again(
    watched: World, ticks: Ticks, notified: Notified
) -> None:
    hide(watched, LAST)
    assert len(notified()) == 1
    ticks.cursor = "{broken"
    assert len(notified()) == 1


def test_seven_years_take_a_bounded_number_of_requests(
    watched: World, http: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", "2019-01-01")
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", http.url)
    bucket = Watched()
    bucket.put_at_once(*days_between(date(2019, 1, 1), date(2025, 12, 29)))
    ticks = Ticks(watched, ALERT_SENSOR, bucket.vault)
    ticks.now = datetime(2025, 12, 30, 12, tzinfo=UTC)
    ticks.tick()
    bucket.vault.trail.record(Action.VERIFICATION, "passed")
    before = bucket.s3.requests.copy()
    ticks.tick()
    # Days, both logs, findings, drills and audits; a new event takes two, and another listing of it.
    listings = Counter(ListObjectVersions=3 + 3 + 1 + 1 + 1 + 2, ListObjectsV2=2)
    assert bucket.s3.requests - before == listings + Counter(GetObject=1)
    assert http.titles == []
