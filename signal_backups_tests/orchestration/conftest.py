"""A world for every test of the Dagster layer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.orchestration.world import World, empty_world, own_settings
from signal_backups_tests.servers.s3 import client_for


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of nobody but the test."""
    own_settings(tmp_path, monkeypatch)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that remembers only as long as the test."""
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def world(tmp_path: Path, s3_server: S3Server, bucket: str, instance: dg.DagsterInstance) -> World:
    """An empty signals table, an empty bucket, an instance without runs."""
    return empty_world(tmp_path, client_for(s3_server), bucket, instance)
