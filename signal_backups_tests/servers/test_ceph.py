"""The throw-away Ceph: lifecycle rules that its gateway carries out, and its start and end."""

from __future__ import annotations

import socket
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.embedded.ports import HOST, pick_ports
from signal_backups.embedded.processes import wait_until
from signal_backups_tests.servers import ceph
from signal_backups_tests.servers.ceph import CephGateway
from signal_backups_tests.servers.s3 import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from signal_backups.embedded.seaweedfs import S3Server

pytestmark = [pytest.mark.slow, pytest.mark.needs("ceph")]

KEY = "signals/day.csv"
PATIENCE_S = 60.0
MARKER = "delete marker"


class Bucket:
    """A bucket with one lifecycle rule, and the versions of ``KEY`` in it."""

    def __init__(self, client: S3Client) -> None:
        self.client = client
        self.name = f"test-{uuid.uuid4().hex}"

    def put(self, body: bytes = b"signals") -> str:
        return self.client.put_object(Bucket=self.name, Key=KEY, Body=body)["VersionId"]

    def rule(self, **actions: Any) -> None:
        """Replace the lifecycle by one rule with these actions, for objects below ``signals/``."""
        rule: Any = {"ID": "rule", "Status": "Enabled", "Filter": {"Prefix": "signals/"}, **actions}
        self.client.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration={"Rules": [rule]})

    def versions(self) -> dict[str, str]:
        """Storage class of each version by its id, delete markers included."""
        answer = self.client.list_object_versions(Bucket=self.name, Prefix=KEY)
        markers = {marker["VersionId"]: MARKER for marker in answer.get("DeleteMarkers", [])}
        return markers | {version["VersionId"]: version["StorageClass"] for version in answer.get("Versions", [])}

    def becomes(self, *expected: str) -> bool:
        """Whether the versions reach these storage classes within ``PATIENCE_S``."""
        return wait_until(lambda: sorted(self.versions().values()) == sorted(expected), PATIENCE_S)


@pytest.fixture
def client(ceph_server: S3Server) -> S3Client:
    return client_for(ceph_server)


@contextmanager
def fresh_bucket(client: S3Client, *, lockable: bool = False) -> Iterator[Bucket]:
    bucket = Bucket(client)
    client.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=lockable)
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    yield bucket
    # So that the gateway does not go through it during other tests.
    client.delete_bucket_lifecycle(Bucket=bucket.name)


@pytest.fixture
def versioned(client: S3Client) -> Iterator[Bucket]:
    with fresh_bucket(client) as bucket:
        yield bucket


@pytest.fixture
def lockable(client: S3Client) -> Iterator[Bucket]:
    with fresh_bucket(client, lockable=True) as bucket:
        yield bucket


@pytest.fixture
def many(client: S3Client) -> Iterator[list[Bucket]]:
    with ExitStack() as buckets:
        yield [buckets.enter_context(fresh_bucket(client)) for _ in range(10)]


def lock(bucket: Bucket, version_id: str, *, until: datetime) -> None:
    bucket.client.put_object_retention(
        Bucket=bucket.name, Key=KEY, VersionId=version_id, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}
    )


def processes_of(folder: Path) -> list[str]:
    """The command lines of live processes that name the folder."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in lines if str(folder) in line]


def test_a_wrong_secret_is_refused(ceph_server: S3Server) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client_for(replace(ceph_server, secret_key="wrong")).list_buckets()


def test_an_object_moves_from_class_to_class(versioned: Bucket) -> None:
    versioned.put()
    versioned.client.put_object(Bucket=versioned.name, Key="other", Body=b"elsewhere")
    versioned.rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD_IA"}, {"Days": 4, "StorageClass": "GLACIER"}])
    assert versioned.becomes("STANDARD_IA")
    assert versioned.becomes("GLACIER")
    assert versioned.client.get_object(Bucket=versioned.name, Key=KEY)["Body"].read() == b"signals"
    assert "StorageClass" not in versioned.client.head_object(Bucket=versioned.name, Key="other")


def test_instant_retrieval_is_a_class_too(versioned: Bucket) -> None:
    versioned.put()
    versioned.rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER_IR"}])
    assert versioned.becomes("GLACIER_IR")


def test_an_expired_object_is_hidden_by_a_delete_marker(versioned: Bucket) -> None:
    version = versioned.put()
    versioned.rule(Expiration={"Days": 1})
    assert versioned.becomes("STANDARD", MARKER)
    with pytest.raises(ClientError, match="NoSuchKey"):
        versioned.client.get_object(Bucket=versioned.name, Key=KEY)
    found = versioned.client.get_object(Bucket=versioned.name, Key=KEY, VersionId=version)
    assert found["Body"].read() == b"signals"


def test_a_noncurrent_version_is_removed(versioned: Bucket) -> None:
    _, kept = versioned.put(b"first"), versioned.put(b"second")
    versioned.rule(NoncurrentVersionExpiration={"NoncurrentDays": 1})
    assert versioned.becomes("STANDARD")
    assert list(versioned.versions()) == [kept]


def test_a_locked_version_survives(lockable: Bucket) -> None:
    locked, _, kept = lockable.put(b"locked"), lockable.put(b"free"), lockable.put(b"current")
    lock(lockable, locked, until=datetime.now(UTC) + timedelta(days=3650))
    lockable.rule(NoncurrentVersionExpiration={"NoncurrentDays": 1})
    # The free version goes, so the rule was carried out.
    assert wait_until(lambda: lockable.versions().keys() == {locked, kept}, PATIENCE_S)
    with pytest.raises(ClientError, match="AccessDenied"):
        lockable.client.delete_object(Bucket=lockable.name, Key=KEY, VersionId=locked)
    assert lockable.versions().keys() == {locked, kept}


def test_a_lock_ends(lockable: Bucket) -> None:
    locked, kept = lockable.put(b"locked"), lockable.put(b"current")
    lock(lockable, locked, until=datetime.now(UTC) + timedelta(seconds=5))
    lockable.rule(NoncurrentVersionExpiration={"NoncurrentDays": 1})
    assert lockable.becomes("STANDARD")
    assert list(lockable.versions()) == [kept]


def test_many_buckets_have_rules(many: list[Bucket]) -> None:
    for bucket in many:
        bucket.put()
        bucket.rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD_IA"}])
    assert all(bucket.becomes("STANDARD_IA") for bucket in many)


def test_nothing_of_it_is_left(tmp_path: Path) -> None:
    with CephGateway(tmp_path, day_seconds=1) as server:
        assert client_for(server).list_buckets()["Buckets"] == []
        assert len(processes_of(tmp_path)) == 3
    assert processes_of(tmp_path) == []


def test_nothing_is_left_of_a_failed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as taken:
        ports = replace(pick_ports(), s3=taken.getsockname()[1])
        monkeypatch.setattr(ceph, "pick_ports", lambda: ports)
        with pytest.raises(StoreError, match=r"radosgw does not answer \(exit code -?\d+\)"):
            CephGateway(tmp_path, day_seconds=1).__enter__()
    assert processes_of(tmp_path) == []


def test_without_ceph_the_error_names_the_packages_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="no Ceph for the tests: no ceph, ceph-mon, ceph-osd") as refused:
        CephGateway(tmp_path / "cluster", day_seconds=1).__enter__()
    assert "apt-get install -y --no-install-recommends ceph-mon ceph-osd radosgw" in str(refused.value)
