"""The command line as users run it: a process of its own, against a real database and a real S3 server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups.local.sample_signals import extend_sample_database

TIMEOUT_S = 240


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The document it printed."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True)
class Terminal:
    """A shell with settings, and a folder of its own."""

    folder: Path
    settings: dict[str, str]

    def run(self, *arguments: str, **changed: str) -> Finished:
        """Run ``signal-backups`` with some settings changed (empty: unset) and insist that no traceback shows."""
        settings = {name: value for name, value in {**self.settings, **changed}.items() if value}
        command = [sys.executable, "-c", "from signal_backups.cli.app import main; main()", *arguments]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), **settings}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        assert "Traceback" not in done.stderr + done.stdout
        return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def newest() -> date:
    """The newest day that can be backed up."""
    return last_complete_day()


@pytest.fixture
def terminal(tmp_path: Path, s3_server: S3Server, bucket: str, newest: date) -> Terminal:
    """A terminal with an empty bucket and a database of sample signals up to yesterday."""
    database = tmp_path / "signals.db"
    extend_sample_database(database, newest)
    return Terminal(
        tmp_path,
        {
            "SIGNALS_DATABASE_URL": f"sqlite:///{database}",
            "SIGNAL_BACKUPS_START_DATE": (newest - timedelta(days=2)).isoformat(),
            "SIGNAL_BACKUPS_HOME": str(tmp_path / "home"),
            "BACKUP_BUCKET_NAME": bucket,
            "AWS_ENDPOINT_URL_S3": s3_server.endpoint_url,
            "AWS_ACCESS_KEY_ID": s3_server.access_key,
            "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "AWS_DEFAULT_REGION": s3_server.region,
        },
    )
