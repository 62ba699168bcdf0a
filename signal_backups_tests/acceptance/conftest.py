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

from collections.abc import Iterator

import pytest

from signal_backups.core.s3.connection import S3Connection
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.acceptance.stores import GIVEN, Endpoint, NewVault, named_endpoint, new_vaults
from signal_backups_tests.servers.ceph import DAY_SECONDS


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """The store that the environment names, else a Ceph of our own."""
    if GIVEN:
        return named_endpoint()
    server: S3Server = request.getfixturevalue("ceph_server")
    connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
    return Endpoint(connection, DAY_SECONDS)


@pytest.fixture
def new_vault(endpoint: Endpoint) -> Iterator[NewVault]:
    """Makes vaults, each of a bucket of its own that is not there yet."""
    with new_vaults(endpoint) as make:
        yield make
