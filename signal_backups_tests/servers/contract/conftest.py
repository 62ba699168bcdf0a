"""Every test of the contract runs on each S3 server that this machine has."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from signal_backups_tests.servers.contract.servers import ServerUnderTest, in_memory, over_http

if TYPE_CHECKING:
    from signal_backups_tests.servers.contract.differences import ServerName


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take ``s3`` on every server, those that take ``s3_with_multipart`` on the real ones."""
    ceph = pytest.param("ceph", marks=[pytest.mark.slow, pytest.mark.needs("ceph")])
    if "s3" in metafunc.fixturenames:
        metafunc.parametrize("s3", ["memory", "seaweedfs", ceph], indirect=True, scope="session")
    if "s3_with_multipart" in metafunc.fixturenames:
        metafunc.parametrize("s3_with_multipart", ["seaweedfs", ceph], indirect=True, scope="session")


def _server(request: pytest.FixtureRequest) -> ServerUnderTest:
    name: ServerName = request.param
    if name == "memory":
        return in_memory()
    # Asked for by name, so that a server is started only for tests that run on it.
    fixture = "ceph_server" if name == "ceph" else "s3_server"
    return over_http(name, request.getfixturevalue(fixture))


@pytest.fixture(scope="session")
def s3(request: pytest.FixtureRequest) -> ServerUnderTest:
    """One of the servers, with buckets that all tests share."""
    return _server(request)


@pytest.fixture(scope="session")
def s3_with_multipart(request: pytest.FixtureRequest) -> ServerUnderTest:
    """One of the servers that know multipart uploads, with buckets that all tests share."""
    return _server(request)


@pytest.fixture
def key() -> str:
    """A key that no other test uses; also a prefix of its own."""
    return f"{uuid.uuid4().hex}/k"
