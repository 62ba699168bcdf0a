"""A world for every test of the Dagster layer; for tests of alerts, sensors and the notifications they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.orchestration.names import ALERT_SENSOR
from signal_backups_tests.orchestration.alerts import FIRST, LAST, Notified
from signal_backups_tests.orchestration.prepared import PreparedDays, prepare_days
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


@pytest.fixture(scope="session")
def prepared_days(tmp_path_factory: pytest.TempPathFactory) -> Callable[[date], PreparedDays]:
    """The three days of the tests of alerts, backed up as far as asked for; each made once."""
    return cache(lambda last: prepare_days(tmp_path_factory.mktemp("prepared"), FIRST, LAST, last))


@pytest.fixture
def watched(
    request: pytest.FixtureRequest,
    prepared_days: Callable[[date], PreparedDays],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """Three days, all backed up or as far as the test asks for; an instance that keeps schedules and sensors too."""
    monkeypatch.setenv("SIGNAL_BACKUPS_START_DATE", FIRST.isoformat())
    with prepared_days(getattr(request, "param", LAST)).copied_to(tmp_path) as world:
        yield world


@pytest.fixture
def ticks(watched: World, http: Receiver, smtp: Receiver, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """The sensor of alerts in that world; both channels are set."""
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
