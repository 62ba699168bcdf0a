"""One ``dagster dev`` for all tests here, and a browser to look at it."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import Browser, Page, expect, sync_playwright

from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.e2e.dagster_dev import DagsterDev, running_dagster
from signal_backups_tests.e2e.refusing_proxy import refusing_to_store
from signal_backups_tests.orchestration.signals import FIRST_DAY, SignalsTable, day_number
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket

PAGE_TIMEOUT_MS = 30_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@dataclass(frozen=True)
class Deployment:
    """A running Dagster with its database and bucket."""

    dagster: DagsterDev
    table: SignalsTable
    vault: BackupVault
    refused_keys: set[str]


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Deployment]:
    """``dagster dev`` on an SQLite database with three weeks of signals and an empty bucket."""
    folder, client, bucket = tmp_path_factory.mktemp("deployment"), client_for(s3_server), f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(client, bucket)
    table = SignalsTable(folder / "signals.db")
    table.add_days(FIRST_DAY, day_number(20))
    refused: set[str] = set()
    with refusing_to_store(s3_server.endpoint_url, refused) as endpoint_url:
        environment = {
            "SIGNALS_DATABASE_URL": table.url,
            "SIGNALS_TABLE": "signals",
            "SIGNAL_BACKUPS_HOME": str(folder / "home"),
            "SIGNAL_BACKUPS_START_DATE": FIRST_DAY.isoformat(),
            # Days without a backup are the tests' own business.
            "SIGNAL_BACKUPS_REPAIR": "false",
            "BACKUP_BUCKET_NAME": bucket,
            "BACKUP_PREFIX": "signals/",
            "AWS_ENDPOINT_URL_S3": endpoint_url,
            "AWS_ACCESS_KEY_ID": s3_server.access_key,
            "AWS_SECRET_ACCESS_KEY": s3_server.secret_key,
            "AWS_DEFAULT_REGION": s3_server.region,
        }
        vault = BackupVault(S3ObjectStore(client, bucket), Layout())
        with running_dagster(folder, environment) as dagster:
            yield Deployment(dagster, table, vault, refused)
    with suppress(ClientError):
        remove_bucket(client, bucket)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=PAGE_TIMEOUT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """An empty page; ends with a picture of what it last showed."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(PAGE_TIMEOUT_MS)
    yield page
    page.screenshot(path=tmp_path / "last.png")
    page.close()
