"""A suite that any S3 store has to pass: the product on it, and the lifecycle that the store carries out by itself.

It runs on a throw-away Ceph where that is installed, or on the store that the environment names:

    SIGNAL_BACKUPS_ACCEPTANCE_ENDPOINT_URL   where S3 answers; set, the other three without a default are needed too
    SIGNAL_BACKUPS_ACCEPTANCE_ACCESS_KEY     credentials that may make and remove buckets, and bypass GOVERNANCE
    SIGNAL_BACKUPS_ACCEPTANCE_SECRET_KEY
    SIGNAL_BACKUPS_ACCEPTANCE_REGION         us-east-1 when not set
    SIGNAL_BACKUPS_ACCEPTANCE_DAY_SECONDS    how long a day of lifecycle rules lasts there; Ceph's rgw_lc_debug_interval

    pytest signal_backups_tests/acceptance

It makes buckets of its own and removes them. It waits for some 25 of those days, and its rules transition objects
sooner than Amazon's own S3 accepts: it is for stores whose days can be made short.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.client import DEFAULT_REGION, S3Connection, s3_client
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.servers.ceph import DAY_SECONDS

PREFIX = "SIGNAL_BACKUPS_ACCEPTANCE_"
# Read now: no variable of that kind is left once the first test runs.
GIVEN = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
NEEDED = ("ENDPOINT_URL", "ACCESS_KEY", "SECRET_KEY", "DAY_SECONDS")

NewVault = Callable[[], BackupVault]


@dataclass(frozen=True)
class Endpoint:
    """The store under test, and how long a day of its lifecycle rules lasts."""

    connection: S3Connection
    day_seconds: float


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without a store there is nothing to test; the summary says so."""
    return None if GIVEN or shutil.which("radosgw") else True


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """The store that the environment names, else a Ceph of our own."""
    if GIVEN:
        return named_endpoint()
    server: S3Server = request.getfixturevalue("ceph_server")
    connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
    return Endpoint(connection, DAY_SECONDS)


def named_endpoint() -> Endpoint:
    """The store that the environment names."""
    if missing := [PREFIX + name for name in NEEDED if not GIVEN.get(name)]:
        raise SettingsError("the environment names only part of a store", remedy=f"Set {', '.join(missing)}")
    region = GIVEN.get("REGION", DEFAULT_REGION)
    connection = S3Connection(GIVEN["ENDPOINT_URL"], region, GIVEN["ACCESS_KEY"], GIVEN["SECRET_KEY"])
    return Endpoint(connection, float(GIVEN["DAY_SECONDS"]))


@pytest.fixture
def new_vault(endpoint: Endpoint) -> Iterator[NewVault]:
    """Makes vaults, each of a bucket of its own that is not there yet."""
    with new_vaults(endpoint) as make:
        yield make


@contextmanager
def new_vaults(endpoint: Endpoint) -> Iterator[NewVault]:
    """Make vaults, and remove their buckets at the end: their rules would delay those of other tests."""
    made: list[BackupVault] = []

    def make() -> BackupVault:
        store = S3ObjectStore(s3_client(endpoint.connection), f"acceptance-{uuid.uuid4().hex}")
        made.append(BackupVault(store, Layout()))
        return made[-1]

    yield make
    for vault in made:
        # What is locked for some seconds yet cannot be removed.
        with suppress(ClientError):
            remove(vault.store)


def remove(store: S3ObjectStore) -> None:
    """Remove the bucket with everything in it, what is locked under GOVERNANCE included."""
    store.configuration.put_lifecycle(StoredLifecycle())
    for version in store.list_versions(""):
        store._client.delete_object(
            Bucket=store.bucket, Key=version.key, VersionId=version.version_id, BypassGovernanceRetention=True
        )
    store._client.delete_bucket(Bucket=store.bucket)
