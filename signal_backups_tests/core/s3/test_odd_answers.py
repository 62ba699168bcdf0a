"""Answers that no S3 gives, from whatever stands between: typed errors, and exit 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ExitCode, LocalStorageError, StoreError
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups_tests.servers.faults import Answer
from signal_backups_tests.servers.strict_s3 import StrictS3

KEY = "signals/2026/11/signals_backup_20261101_020000.csv"


@pytest.fixture
def version_id(store: S3ObjectStore, tmp_path: Path) -> str:
    file = tmp_path / "file.csv"
    file.write_bytes(bytes(4096))
    return store.put_file(KEY, file, {}, "text/csv", digest=digest(file), replaces=None)


def test_an_empty_answer_to_head(memory: StrictS3, store: S3ObjectStore, version_id: str) -> None:
    memory.faults = lambda operation: Answer(200, "") if operation == "HeadObject" else None
    with pytest.raises(StoreError, match=f"cannot look at .*{KEY}: the answer lacks") as raised:
        store.head(KEY)
    assert (raised.value.exit_code, raised.value.transient) == (ExitCode.UNREACHABLE, True)
    assert "AWS_ENDPOINT_URL_S3" in raised.value.remedy


def test_a_listing_without_what_listings_have(store: S3ObjectStore, version_id: str) -> None:
    def without_dates(parsed: dict[str, Any], **_: Any) -> None:
        for item in parsed["Versions"]:
            del item["LastModified"]

    store._client.meta.events.register("after-call.s3.ListObjectVersions", without_dates)
    with pytest.raises(StoreError, match="the answer lacks LastModified"):
        store.list_versions("signals/")


def test_a_full_disk_is_not_the_endpoint(store: S3ObjectStore, version_id: str) -> None:
    with pytest.raises(LocalStorageError, match="cannot write /dev/full: No space left on device"):
        store.get_file(KEY, version_id, Path("/dev/full"))
