"""A terminal in front of a real database and a real S3 server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer
from signal_backups.orchestration.for_cli import launch
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.samples.tables import sample_database
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket


@pytest.fixture(scope="session")
def newest() -> date:
    """The newest day that can be backed up."""
    return last_complete_day()


@pytest.fixture(autouse=True)
def no_waiting_between_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup is tried as often as always, without a pause."""
    without_pause = dg.RetryPolicy(max_retries=launch.INTERACTIVE_RETRY_POLICY.max_retries, delay=0)
    monkeypatch.setattr(launch, "INTERACTIVE_RETRY_POLICY", without_pause)


@pytest.fixture
def terminal(tmp_path: Path, s3_server: S3Server, bucket: str, newest: date) -> Iterator[Terminal]:
    """A terminal with an empty bucket and a database of sample signals up to yesterday."""
    with _terminal(tmp_path, s3_server, bucket, newest) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server, newest: date) -> Iterator[Terminal]:
    """The same with the newest day backed up, for tests that only read."""
    folder, client, bucket = tmp_path_factory.mktemp("backed-up"), client_for(s3_server), f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(client, bucket)
    with _terminal(folder, s3_server, bucket, newest) as terminal:
        assert terminal.run("backup").code == 0
        yield terminal
    remove_bucket(client, bucket)


@contextmanager
def _terminal(folder: Path, s3_server: S3Server, bucket: str, newest: date) -> Iterator[Terminal]:
    database, home = folder / "signals.db", folder / "home"
    first = newest - timedelta(days=2)
    sample_database(database, first, newest)
    yield Terminal(
        folder,
        {
            "SIGNALS_DATABASE_URL": f"sqlite:///{database}",
            "SIGNAL_BACKUPS_START_DATE": first.isoformat(),
            "SIGNAL_BACKUPS_HOME": str(home),
            "BACKUP_BUCKET_NAME": bucket,
            "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url,
            "AWS_ACCESS_KEY_ID": s3_server.access_key,
            "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "AWS_DEFAULT_REGION": s3_server.region,
        },
    )
    # A command that used the embedded server leaves it running for the next.
    SeaweedServer(home / "s3").stop()
