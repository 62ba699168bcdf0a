"""Fixtures every test may use: an S3 server, a fresh bucket, a PostgreSQL server, a fresh database.

What belongs here: giving out servers and cleaning up behind tests. What does not: test data.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.exceptions import ClientError

from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer
from signal_backups_tests.servers.ceph import DAY_SECONDS, INSTALL, CephGateway
from signal_backups_tests.servers.postgres import fresh_database, running_postgres
from signal_backups_tests.servers.receivers import Receiver, http_receiver, smtp_receiver
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = ("AWS_", "SIGNALS_", "SIGNAL_BACKUPS_", "BACKUP_", "DAGSTER_HOME")
# Without these boto3 would go on to look for the caller's credentials in his home, and in the network.
NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


CEPH_TESTS = "test_*ceph*.py"
PROMETHEUS_TESTS = "test_*prometheus*.py"
# Tests that need a program of the system's, by the names of their files.
NEEDED = {CEPH_TESTS: "radosgw", PROMETHEUS_TESTS: "prometheus"}
# By the program that is missing.
LEFT_OUT = {
    "chromium": "the browser test (no Chromium here). Get it with: apt-get install -y chromium",
    "prometheus": "the tests with Prometheus (none here). Get it with: apt-get install -y prometheus "
    "prometheus-alertmanager",
    "radosgw": f"the tests on a Ceph cluster (no Ceph here). Get it with: {INSTALL}",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pages in ``docs/`` that say what tests came to are compared, or written."""
    parser.addoption("--write-pages", action="store_true", help="write the pages that tests make")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without Ceph or Prometheus there are no tests on them; the summary says so."""
    needed = (program for pattern, program in NEEDED.items() if collection_path.match(pattern))
    return True if any(not shutil.which(program) for program in needed) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines say what this machine could not test."""
    # Here, because the process that writes them collects no tests itself when others run them.
    for program, what in LEFT_OUT.items():
        if not shutil.which(program):
            terminalreporter.write_line(f"Left out: {what}", yellow=True)


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """No setting or credential of the caller reaches a test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            patch.delenv(name)
        for name, value in NO_CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_service_model() -> Iterator[None]:
    """The description of S3 is read once for all clients: that takes longer than most tests."""
    loader = botocore.session.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *_: loader)
        yield


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server for all tests."""
    server = SeaweedServer(tmp_path_factory.mktemp("s3"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> Iterator[str]:
    """The name of a fresh bucket with versioning on."""
    client, name = client_for(s3_server), f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(client, name)
    yield name
    # What a test locked cannot be removed, and goes with the server.
    with suppress(ClientError):
        remove_bucket(client, name)


@pytest.fixture
def locked_bucket(s3_server: S3Server) -> str:
    """The name of a fresh bucket with Object Lock; it goes with the server."""
    client, name = client_for(s3_server), f"test-{uuid.uuid4().hex}"
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture(scope="session")
def ceph_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server that carries lifecycle rules out, a day of them lasting ``DAY_SECONDS``.

    For tests in files named ``CEPH_TESTS``, which are left out where there is no Ceph.
    """
    with CephGateway(tmp_path_factory.mktemp("ceph"), day_seconds=DAY_SECONDS) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one PostgreSQL server for all tests."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def http() -> Iterator[Receiver]:
    """Takes alerts by HTTP."""
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def smtp() -> Iterator[Receiver]:
    """Takes alerts by e-mail."""
    with smtp_receiver() as receiver:
        yield receiver
