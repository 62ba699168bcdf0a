"""The store under test, and buckets in it that are gone afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.s3.bucket import StoredLifecycle
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import DEFAULT_REGION, S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import Layout
from signal_backups.core.vault.vault import BackupVault

PREFIX = "SIGNAL_BACKUPS_ACCEPTANCE_"
# Read now: no variable of that kind is left once the first test runs.
GIVEN = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
NEEDED = ("ENDPOINT_URL", "ACCESS_KEY", "SECRET_KEY", "DAY_SECONDS")

# Of all tests here.
MARKS = [pytest.mark.slow] if GIVEN else [pytest.mark.slow, pytest.mark.needs("ceph")]

NewVault = Callable[[], BackupVault]


@dataclass(frozen=True)
class Endpoint:
    """The store under test, and how long a day of its lifecycle rules lasts."""

    connection: S3Connection
    day_seconds: float


def named_endpoint() -> Endpoint:
    """The store that the environment names."""
    if missing := [PREFIX + name for name in NEEDED if not GIVEN.get(name)]:
        raise SettingsError("the environment names only part of a store", remedy=f"Set {', '.join(missing)}")
    region = GIVEN.get("REGION", DEFAULT_REGION)
    connection = S3Connection(GIVEN["ENDPOINT_URL"], region, GIVEN["ACCESS_KEY"], GIVEN["SECRET_KEY"])
    return Endpoint(connection, float(GIVEN["DAY_SECONDS"]))


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
