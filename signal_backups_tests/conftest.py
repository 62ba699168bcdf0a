"""Fixtures every test may use: an S3 server, a fresh bucket, a PostgreSQL server, a fresh database."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.exceptions import ClientError

from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.clock import start_clock
from signal_backups_tests.programs import NEEDED_BY_FIXTURE, NEEDS, left_out
from signal_backups_tests.servers.postgres import fresh_database
from signal_backups_tests.servers.receivers import Receiver, http_receiver, smtp_receiver
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket
from signal_backups_tests.servers.shared import SharedServers, ceph, postgres, seaweed

if TYPE_CHECKING:
    from collections.abc import Iterator

# Read now: the environment is cleared of much before the first test.
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
OURS = ("AWS_", "SIGNALS_", "SIGNAL_BACKUPS_", "BACKUP_", "DAGSTER_HOME")
# Without these boto3 would go on to look for the caller's credentials in his home, and in the network.
NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Pages in ``docs/`` that say what tests came to are compared, or written."""
    parser.addoption("--write-pages", action="store_true", help="write the pages that tests make")
    parser.addoption("--begin-at", metavar="INSTANT", help="act as if the run began then, 2026-11-28T23:59:59.9Z")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test is read: it may ask for the present day."""
    start_clock(config.getoption("--begin-at"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that this machine has no programs for."""
    missing = {name for name, need in NEEDS.items() if need.missing}
    impossible = [item for item in items if _needs_of(item) & missing]
    if impossible:
        config.hook.pytest_deselected(items=impossible)
        items[:] = [item for item in items if item not in impossible]


def _needs_of(item: pytest.Item) -> set[str]:
    named = {name for mark in item.iter_markers("needs") for name in mark.args}
    fixtures = getattr(item, "fixturenames", ())
    return named | {NEEDED_BY_FIXTURE[name] for name in fixtures if name in NEEDED_BY_FIXTURE}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines say what this machine could not test."""
    # Here, because the process that writes them collects no tests itself when others run them.
    for line in left_out():
        terminalreporter.write_line(f"Left out: {line}", yellow=True)


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


@pytest.fixture(scope="session", autouse=True)
def no_server_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands leave the embedded S3 server running; tests stop it."""
    yield
    data = os.fsencode(f"-dir={tmp_path_factory.getbasetemp()}/")
    assert [line for line in map(_command_line, Path("/proc").glob("[0-9]*")) if data in line] == []


@pytest.fixture(scope="session")
def shared_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedServers]:
    """What this process of the run and the others share."""
    own = tmp_path_factory.getbasetemp()
    servers = SharedServers((own.parent if IS_WORKER else own) / "servers")
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def s3_server(shared_servers: SharedServers) -> S3Server:
    """One S3 server for all tests."""
    return S3Server(**shared_servers.address("s3", seaweed))


@pytest.fixture(scope="session")
def ceph_server(shared_servers: SharedServers) -> S3Server:
    """One S3 server that carries lifecycle rules out, a day of them lasting ``DAY_SECONDS``."""
    return S3Server(**shared_servers.address("ceph", ceph))


@pytest.fixture(scope="session")
def postgres_url(shared_servers: SharedServers) -> str:
    """The URL of one PostgreSQL server for all tests."""
    return shared_servers.address("postgres", postgres)["url"]


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


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it has ended
        return b""
