"""A world for every test of the Dagster layer; for tests of alerts, sensors and the notifications they send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups_tests.orchestration.alerts import FIRST, LAST, Notified
from signal_backups_tests.orchestration.ticks import Ticks
from signal_backups_tests.orchestration.world import World, empty_world, own_settings
from signal_backups_tests.servers.receivers import Received, Receiver


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of nobody but the test."""
    own_settings(tmp_path, monkeypatch)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that exists as long as the test."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def world(tmp_path: Path, instance: dg.DagsterInstance) -> World:
    """An empty signals table, an empty bucket, an instance without runs."""
    return empty_world(tmp_path, instance)


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Three days with signals, and an instance that keeps schedules and sensors too."""
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", FIRST.isoformat())
    with dg.instance_for_test() as persistent:
        found = empty_world(tmp_path, persistent)
        found.table.add_days(FIRST, LAST, signals_a_day=2)
        yield found


@pytest.fixture
def ticks(
    request: pytest.FixtureRequest, watched: World, http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Ticks:
    """Everything is backed up, or everything up to the day that the test asks for; both channels are set."""
    assert watched.run(FIRST, getattr(request, "param", LAST)).success
    monkeypatch.setenv("SIGNAL_BACKUPS_ALERT_URLS", f"{http.url} {smtp.url}")
    return Ticks(watched, ALERT_SENSOR)


@pytest.fixture
def notified(ticks: Ticks, http: Receiver, smtp: Receiver) -> Notified:
    """The notifications of a tick, which are the same on both channels."""

    def tick(after: timedelta = timedelta(minutes=1)) -> list[Received]:
        ticks.tick(after)
        posted, mailed = http.take(), smtp.take()
        assert [each.title for each in posted] == [each.title for each in mailed]
        return posted

    return tick
