"""A terminal in front of a real database and a real S3 server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer
from signal_backups.local.sample_signals import extend_sample_database
from signal_backups_tests.cli.terminal import Terminal


@pytest.fixture(scope="session")
def newest() -> date:
    """The newest day that can be backed up."""
    return last_complete_day()


@pytest.fixture
def terminal(tmp_path: Path, s3_server: S3Server, bucket: str, newest: date) -> Iterator[Terminal]:
    """A terminal with an empty bucket and a database of sample signals up to yesterday."""
    database = tmp_path / "signals.db"
    extend_sample_database(database, newest)
    home = tmp_path / "home"
    yield Terminal(
        tmp_path,
        {
            "SIGNALS_DATABASE_URL": f"sqlite:///{database}",
            "SIGNAL_BACKUPS_START_DATE": (newest - timedelta(days=2)).isoformat(),
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
