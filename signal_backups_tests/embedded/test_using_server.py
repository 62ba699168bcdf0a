"""Sharing the embedded S3 server between processes, and stopping it when it is idle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from signal_backups.embedded import processes, weed
from signal_backups.embedded.idle_stop import stop_when_idle
from signal_backups.embedded.seaweedfs import SeaweedServer, using_server
from signal_backups_tests.servers.s3 import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 30.0
USE_UNTIL_ENTER = """
import sys
from pathlib import Path
from signal_backups.embedded.seaweedfs import using_server
with using_server(Path(sys.argv[1])) as server:
    print(server.endpoint_url, flush=True)
    sys.stdin.readline()
"""


#: Never becomes ready: it begins to wait, and says so.
START_AND_WAIT = """
import sys
from pathlib import Path
from signal_backups.embedded import seaweedfs
def wait(server):
    print(flush=True)
    sys.stdin.readline()
seaweedfs.SeaweedServer._became_ready = wait
with seaweedfs.using_server(Path(sys.argv[1]), idle_s=0.2):
    pass
"""


class User:
    """Another process that uses the server."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", USE_UNTIL_ENTER, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def endpoint_url(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate()

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The server's folder; its server is stopped afterwards."""
    yield tmp_path / "s3"
    SeaweedServer(tmp_path / "s3").stop()


def pid_in(folder: Path, name: str = "pid") -> int:
    pid = processes.read_pid(folder / name)
    assert pid is not None
    return pid


def is_alive(pid: int, folder: Path) -> bool:
    return processes.has_argument(pid, str(folder))


def test_simultaneous_and_consecutive_users_share_a_server(folder: Path) -> None:
    users = [User(folder) for _ in range(3)]
    (address,) = {user.endpoint_url() for user in users}
    pid = pid_in(folder)
    for user in users:
        user.leave()
    with using_server(folder) as server:
        assert server.endpoint_url == address
    assert pid_in(folder) == pid


def test_interrupted_and_killed_users_leave_the_server_running_and_unused(folder: Path) -> None:
    users = [User(folder) for _ in range(2)]
    for user in users:
        assert user.endpoint_url()
    server = SeaweedServer(folder)
    assert not server.stop_if_idle(0)
    users[0].interrupt()
    users[1].die()
    assert server.is_running()
    assert server.stop_if_idle(0)
    assert not server.is_running()


def test_an_idle_server_is_stopped_and_its_watcher_ends(folder: Path) -> None:
    with using_server(folder, idle_s=0.2):
        watcher = pid_in(folder, "watcher.pid")
    assert processes.wait_until(lambda: not SeaweedServer(folder).is_running(), DEADLINE_S)
    assert processes.wait_until(lambda: not is_alive(watcher, folder), DEADLINE_S)
    assert not (folder / "watcher.pid").exists()


def test_a_server_is_not_stopped_while_in_use_or_before_the_idle_time_is_over(folder: Path) -> None:
    server = SeaweedServer(folder)
    with using_server(folder):
        os.utime(folder / "in-use.lock", (0, 0))
        assert not server.stop_if_idle(60)
    assert not server.stop_if_idle(60)
    assert server.is_running()
    os.utime(folder / "in-use.lock", (time.time() - 61,) * 2)
    assert server.stop_if_idle(60)


def test_the_watcher_checks_again_when_the_idle_time_may_be_over(tmp_path: Path) -> None:
    class Server(SeaweedServer):
        """Unused for some seconds, then in use, then with the clock set back, then idle."""

        unused = (40.0, 70.0, 0.0)
        checks = 0

        def is_process(self, pid: int) -> bool:
            assert pid == os.getpid()
            return self.checks <= len(self.unused)

        def unused_for(self) -> float:
            return self.unused[self.checks - 1]

        def stop_if_idle(self, idle_s: float) -> bool:
            assert idle_s == 60
            self.checks += 1
            return self.checks > len(self.unused)

    slept: list[float] = []
    stop_when_idle(Server(tmp_path), os.getpid(), 60, slept.append)
    assert slept == [20, 60, 60]


def test_a_server_can_be_stopped_after_the_clock_was_set_back(folder: Path) -> None:
    with using_server(folder):
        pass
    os.utime(folder / "in-use.lock", (time.time() + 3600,) * 2)
    server = SeaweedServer(folder)
    assert not server.stop_if_idle(60)
    assert server.stop_if_idle(0)


def test_a_server_whose_folder_was_removed_is_ended(folder: Path) -> None:
    with using_server(folder):
        removed, watcher = pid_in(folder), pid_in(folder, "watcher.pid")
    os.kill(watcher, signal.SIGKILL)
    folder.rename(folder.with_name("removed"))
    with using_server(folder):
        present = pid_in(folder)
    server = SeaweedServer(folder)
    stop_when_idle(server, removed, 60, pytest.fail)
    assert not processes.has_argument(removed, f"-dir={folder / 'data'}")
    assert server.is_process(present)


def test_one_watcher_is_enough_and_a_dead_one_is_replaced(folder: Path) -> None:
    with using_server(folder):
        first = pid_in(folder, "watcher.pid")
    with using_server(folder):
        assert pid_in(folder, "watcher.pid") == first
    os.kill(first, signal.SIGKILL)
    assert processes.wait_until(lambda: not is_alive(first, folder), DEADLINE_S)
    with using_server(folder):
        assert is_alive(pid_in(folder, "watcher.pid"), folder)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_ends_while_the_server_starts_leaves_none_behind(folder: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-c", START_AND_WAIT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"\n"
        server = pid_in(folder)
        user.send_signal(how)
        user.communicate()
    argument = weed.data_argument(folder / "data")
    assert processes.wait_until(lambda: not processes.has_argument(server, argument), DEADLINE_S)


def test_a_server_that_starts_in_a_new_folder_while_the_old_one_ends_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pid").write_text("1")
    ended: list[int] = []

    def end(pid: int, _argument: str) -> bool:
        ended.append(pid)
        # Meanwhile somebody removes the folder, and the next command starts a server in a new one.
        (tmp_path / "pid").write_text("2")
        (tmp_path / "watcher.pid").write_text("3")
        return True

    monkeypatch.setattr(processes, "end", end)
    SeaweedServer(tmp_path).stop()
    assert ended == [1]
    assert (pid_in(tmp_path), pid_in(tmp_path, "watcher.pid")) == (2, 3)


def test_a_folder_that_is_removed_while_it_is_used_hides_no_result(tmp_path: Path) -> None:
    server = SeaweedServer(tmp_path / "s3")
    with server.in_use():
        shutil.rmtree(tmp_path / "s3")
    assert not (tmp_path / "s3").exists()
    assert server.unused_for() == 0


def test_a_crashed_server_is_booted_again_with_the_same_data(folder: Path) -> None:
    with using_server(folder) as server:
        client_for(server).create_bucket(Bucket="kept")
        watcher = pid_in(folder, "watcher.pid")
    os.kill(pid_in(folder), signal.SIGKILL)
    with using_server(folder) as server:
        assert [bucket["Name"] for bucket in client_for(server).list_buckets()["Buckets"]] == ["kept"]
        assert processes.has_argument(pid_in(folder, "watcher.pid"), str(pid_in(folder)))
        assert not is_alive(watcher, folder)


def test_pid_files_from_before_a_reboot_are_ignored(folder: Path) -> None:
    folder.mkdir()
    for name in ("pid", "watcher.pid"):
        (folder / name).write_text(str(os.getpid()))
    with using_server(folder):
        assert os.getpid() not in {pid_in(folder), pid_in(folder, "watcher.pid")}


def test_stopping_ends_the_watcher_too(folder: Path) -> None:
    with using_server(folder):
        watcher = pid_in(folder, "watcher.pid")
    SeaweedServer(folder).stop()
    assert not is_alive(watcher, folder)


def test_the_folder_name_may_be_long(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 40)
    with using_server(folder) as server:
        assert client_for(server).list_buckets()["Buckets"] == []
    SeaweedServer(folder).stop()


def test_the_folder_may_be_a_relative_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    with using_server(Path("s3")) as server:
        assert SeaweedServer(folder).start() == server
