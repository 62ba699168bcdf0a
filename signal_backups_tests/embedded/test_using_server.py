"""Sharing the embedded S3 server between processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.embedded.seaweedfs import SeaweedServer, using_server
from signal_backups_tests.servers.s3 import client_for

if TYPE_CHECKING:
    import pytest

USE_UNTIL_TOLD = """
import sys
from pathlib import Path
from signal_backups.embedded.seaweedfs import using_server
with using_server(Path(sys.argv[1])) as server:
    print(server.endpoint_url, flush=True)
    sys.stdin.readline()
"""


class User:
    """Another process that uses the server."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", USE_UNTIL_TOLD, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def endpoint_url(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_processes_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    users = [User(tmp_path) for _ in range(3)]
    assert len({user.endpoint_url() for user in users}) == 1
    for user in users[:-1]:
        user.leave()
        assert SeaweedServer(tmp_path).is_running()
    users[-1].leave()
    assert not SeaweedServer(tmp_path).is_running()


def test_a_killed_user_does_not_keep_the_server_running(tmp_path: Path) -> None:
    user = User(tmp_path)
    endpoint_url = user.endpoint_url()
    user.die()
    with using_server(tmp_path) as server:
        assert server.endpoint_url == endpoint_url
    assert not SeaweedServer(tmp_path).is_running()


def test_it_may_be_left_running(tmp_path: Path) -> None:
    with using_server(tmp_path, keep_running=True):
        pass
    assert SeaweedServer(tmp_path).is_running()
    SeaweedServer(tmp_path).stop()


def test_a_long_folder_name_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 40)
    with using_server(folder) as server:
        assert client_for(server).list_buckets()["Buckets"] == []


def test_a_folder_may_be_given_relatively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with using_server(Path("here/s3")) as server:
        assert SeaweedServer(tmp_path / "here/s3").start() == server
    assert not SeaweedServer(tmp_path / "here/s3").is_running()
