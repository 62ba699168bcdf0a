"""The installation of a module's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from signal_backups.core.base.days import last_complete_day
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.docs.installation import Installation, installed


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Installation]:
    """A week of verified backups up to yesterday."""
    with installed(tmp_path_factory.mktemp("installation"), s3_server, last_complete_day()) as installation:
        yield installation
