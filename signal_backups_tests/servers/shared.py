"""Servers that several processes of a test run share: the first to need one starts it, all use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from signal_backups.core.base import file_locks
from signal_backups.embedded.seaweedfs import SeaweedServer
from signal_backups_tests.servers.ceph import DAY_SECONDS, CephGateway
from signal_backups_tests.servers.postgres import running_postgres

#: What somebody has to know to use a server: its address and credentials.
Address = dict[str, str]
#: A server for the duration of the block, with its state in a folder.
Running = Callable[[Path], AbstractContextManager[Address]]


class SharedServers:
    """The servers that a process of a test run uses, those that it started among them.

    Whoever started a server stops it, once nobody uses it any more. So all uses end at the same time, with ``close``:
    two processes that ended them one by one could wait for each other.
    """

    def __init__(self, folder: Path) -> None:
        """Start nothing yet; ``folder`` is the same for all processes of the run."""
        self._folder = folder
        self._uses, self._started = ExitStack(), ExitStack()

    def address(self, name: str, running: Running) -> Address:
        """The server of that name, started with ``running`` if nobody has."""
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        with file_locks.exclusive(_start_lock(folder)):
            if not _address_file(folder).exists():
                self._start(folder, running)
            self._uses.enter_context(file_locks.shared(_use_lock(folder)))
            address: Address = json.loads(_address_file(folder).read_text(encoding="utf-8"))
        return address

    def close(self) -> None:
        """Use none of them any more, and stop those that were started here when nobody else does either."""
        self._uses.close()
        self._started.close()

    def _start(self, folder: Path, running: Running) -> None:
        # Numbered, for a server that is needed again after it was stopped.
        own = folder / f"server-{len(list(folder.glob('server-*')))}"
        own.mkdir()
        address = self._started.enter_context(running(own))
        _address_file(folder).write_text(json.dumps(address), encoding="utf-8")
        self._started.push(_Unused(folder))


class _Unused(AbstractContextManager[None]):
    """Ends when nobody uses a server; who comes later starts another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __exit__(self, *_: object) -> None:
        with file_locks.exclusive(_start_lock(self._folder)), file_locks.exclusive(_use_lock(self._folder)):
            _address_file(self._folder).unlink()


def _start_lock(folder: Path) -> Path:
    return folder / "start.lock"


def _use_lock(folder: Path) -> Path:
    return folder / "use.lock"


def _address_file(folder: Path) -> Path:
    return folder / "address.json"


@contextmanager
def seaweed(folder: Path) -> Iterator[Address]:
    """The embedded S3 server."""
    server = SeaweedServer(folder)
    try:
        yield asdict(server.start())
    finally:
        server.stop()


@contextmanager
def ceph(folder: Path) -> Iterator[Address]:
    """A Ceph cluster."""
    with CephGateway(folder, day_seconds=DAY_SECONDS) as server:
        yield asdict(server)


@contextmanager
def postgres(folder: Path) -> Iterator[Address]:
    """A PostgreSQL server; its address is the URL of its superuser."""
    with running_postgres(folder) as url:
        yield {"url": url}
