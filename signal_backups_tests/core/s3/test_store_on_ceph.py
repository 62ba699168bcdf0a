"""The object store on Ceph, up to version 16 at least, which ignores under which conditions an upload in parts ends."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from signal_backups.core.base.digest import digest
from signal_backups.core.base.errors import ConflictError
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.embedded.seaweedfs import S3Server

pytestmark = pytest.mark.slow


def test_an_upload_in_parts_replaces_only_what_it_saw(ceph_server: S3Server, tmp_path: Path) -> None:
    connection = S3Connection(
        ceph_server.endpoint_url, ceph_server.region, ceph_server.access_key, ceph_server.secret_key
    )
    store = S3ObjectStore(s3_client(connection), f"test-{uuid.uuid4().hex}", multipart_threshold_bytes=0)
    store.configuration.create()
    store.configuration.enable_versioning()

    def put(body: str, replaces: ObjectVersion | None) -> str:
        path = tmp_path / body
        path.write_text(body)
        return store.put_file("key", path, {}, "text/plain", digest=digest(path), replaces=replaces)

    put("first", None)
    seen = store.head("key")
    newest = put("second", seen)
    for outdated in (None, seen):
        with pytest.raises(ConflictError):
            put("third", outdated)
    assert put("second", None) == newest
    assert len(store.list_versions("key")) == 2
