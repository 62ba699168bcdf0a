"""The embedded S3 server: SeaweedFS on this machine, with all of its state in one folder."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from signal_backups.core.base import file_locks
from signal_backups.core.base.errors import StoreError
from signal_backups.core.base.local_files import written_locally
from signal_backups.embedded import processes, weed
from signal_backups.embedded.ports import HOST, Ports, pick_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
READY_TIMEOUT_S = 60.0
PORTS_TIMEOUT_S = 2.0
# Another program may take a free port before weed does.
BOOT_ATTEMPTS = 3
SHOWN_LOG_LINES = 8
#: Seconds without a user after which the server is stopped.
IDLE_S = 300.0

_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class S3Server:
    """Address and credentials of an S3 server."""

    endpoint_url: str
    access_key: str
    secret_key: str
    region: str


class SeaweedServer:
    """The SeaweedFS server of a folder; several processes may have an instance for the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._log = self._folder / "weed.log"
        self._pid_file = self._folder / "pid"
        self._ports_file = self._folder / "server.json"
        self._identities_file = self._folder / "credentials.json"
        self._start_lock = self._folder / "start.lock"
        self._in_use_lock = self._folder / "in-use.lock"
        self._watcher_pid_file = self._folder / "watcher.pid"

    def start(self, idle_s: float | None = None) -> S3Server:
        """Return the running server, after starting it if it does not run.

        Args:
            idle_s: seconds without a user (``using_server``) after which it is stopped; None: never.

        Raises:
            StoreError: it did not start.
            LocalStorageError: its folder cannot be written.
        """
        with self._written(), file_locks.exclusive(self._start_lock):
            for _ in range(BOOT_ATTEMPTS):
                if not self.is_running():
                    self._boot()
                # Before waiting: a command that ends meanwhile must not leave a server that nobody stops.
                if idle_s is not None:
                    self._watch(idle_s)
                if self._became_ready():
                    return self.address()
                if self.is_running():
                    break
        raise StoreError(
            f"the embedded S3 server in {self._folder} did not start; the end of its log:\n{self._log_end()}\n",
            remedy=f"Read {self._log}",
            transient=True,
        )

    def stop(self) -> None:
        """Stop the server if it runs, and keep the data.

        Raises:
            StoreError: it did not end even after SIGKILL.
        """
        if not self._folder.exists():
            return
        with file_locks.exclusive(self._start_lock):
            pid = processes.read_pid(self._pid_file)
            if pid is not None and not processes.end(pid, weed.data_argument(self._data)):
                raise StoreError(
                    f"the embedded S3 server in {self._folder}, process {pid}, does not end",
                    remedy=f"See it with: ps -fp {pid}",
                )
            if processes.read_pid(self._pid_file) != pid:
                # The folder was removed while the server ended, and the next command started one in a new folder.
                return
            self._pid_file.unlink(missing_ok=True)
            self._await_free_ports()
            self._end_watcher()

    def stop_if_idle(self, idle_s: float) -> bool:
        """Stop the server if nobody uses it or used it in the last ``idle_s`` seconds; returns whether it is stopped.

        Raises:
            StoreError: it did not end even after SIGKILL.
        """
        if not self._folder.exists():
            return True
        with file_locks.exclusive_or_not(self._in_use_lock) as is_unused:
            # The file lock is kept while stopping, so a command that starts now waits and then starts the server again.
            if is_unused and self.unused_for() >= idle_s:
                self.stop()
                return True
        return False

    def unused_for(self) -> float:
        """Return the seconds since the server was last used; 0 if the clock was set back or the folder removed."""
        try:
            return max(0.0, time.time() - self._in_use_lock.stat().st_mtime)
        except FileNotFoundError:
            return 0.0

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the server from being stopped as idle during the block, or until this process is killed.

        Raises:
            LocalStorageError: its folder cannot be written.
        """
        with ExitStack() as stack:
            with self._written():
                stack.enter_context(file_locks.shared(self._in_use_lock))
                self._in_use_lock.touch()
            try:
                yield
            finally:
                # The folder may be gone; that must not hide how the block ended.
                with suppress(FileNotFoundError):
                    self._in_use_lock.touch()

    def is_process(self, pid: int) -> bool:
        """Return whether the running server of the folder is this process."""
        return processes.read_pid(self._pid_file) == pid and self.is_running()

    def end_process(self, pid: int) -> None:
        """End a server of this folder that is not in the pid file any more, because the folder was removed."""
        processes.end(pid, weed.data_argument(self._data))

    def is_running(self) -> bool:
        """Return whether the process in the pid file is a ``weed`` of this folder."""
        pid = processes.read_pid(self._pid_file)
        return pid is not None and processes.has_argument(pid, weed.data_argument(self._data))

    def address(self) -> S3Server:
        """Return the address of the server, or the last one if it does not run.

        Raises:
            StoreError: it was never started.
        """
        access_key, secret_key = self._credentials()
        return S3Server(f"http://{HOST}:{self._ports().s3}", access_key, secret_key, REGION)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """The server's folders are there; what cannot be written in them is a typed error."""
        with written_locally(self._folder):
            for folder in (self._folder, self._data, self._folder / "tmp"):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield

    def _boot(self) -> None:
        if not self._identities_file.exists():
            text = weed.identities(access_key=secrets.token_hex(10).upper(), secret_key=secrets.token_hex(20))
            _write_private(self._identities_file, text)
        if not self._await_free_ports():
            _write_private(self._ports_file, json.dumps(asdict(pick_ports())))
        if self._log.exists():
            self._log.replace(self._log.with_name("weed.previous.log"))
        processes.start_detached(
            weed.command(self._data, self._identities_file, self._ports()),
            folder=self._folder,
            environment=weed.environment(self._folder),
            pid_file=self._pid_file,
            log=self._log,
        )

    def _watch(self, idle_s: float) -> None:
        """Start the process that stops the server when it is idle, unless it runs already."""
        server, watcher = processes.read_pid(self._pid_file), processes.read_pid(self._watcher_pid_file)
        arguments = [str(self._folder), str(server)]
        if watcher is not None and all(processes.has_argument(watcher, argument) for argument in arguments):
            return
        self._end_watcher()
        processes.start_detached(
            [sys.executable, "-P", "-m", "signal_backups.embedded.idle_stop", *arguments, str(idle_s)],
            folder=self._folder,
            environment={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(_PROJECT)},
            pid_file=self._watcher_pid_file,
            log=self._folder / "watcher.log",
        )

    def _end_watcher(self) -> None:
        pid = processes.read_pid(self._watcher_pid_file)
        # The watcher must not end itself here; it exits after it has stopped the server.
        if pid is not None and pid != os.getpid():
            processes.end(pid, str(self._folder))
        self._watcher_pid_file.unlink(missing_ok=True)

    def _became_ready(self) -> bool:
        ports = self._ports()
        processes.wait_until(lambda: weed.is_ready(ports) or not self.is_running(), READY_TIMEOUT_S)
        return self.is_running() and weed.is_ready(ports)

    def _await_free_ports(self) -> bool:
        """Return whether the ports of the last run can be used again, after a short wait."""
        if not self._ports_file.exists():
            return False
        ports = self._ports()
        # A process that is ending loses its command line shortly before its ports; the address should not change then.
        free = processes.wait_until(ports.are_free, PORTS_TIMEOUT_S)
        weed.remove_sockets(ports)
        return free

    def _ports(self) -> Ports:
        try:
            return Ports(**json.loads(self._ports_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise self._unreadable(self._ports_file) from error

    def _credentials(self) -> tuple[str, str]:
        try:
            return weed.read_identities(self._identities_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise self._unreadable(self._identities_file) from error

    def _unreadable(self, file: Path) -> StoreError:
        if not file.exists():
            return StoreError(f"the embedded S3 server in {self._folder} was never started", remedy="Start it first")
        return StoreError(
            f"{file} of the embedded S3 server is not readable",
            remedy="Delete it while the server is stopped: the next start writes a new one and keeps the data",
        )

    def _log_end(self) -> str:
        if not self._log.exists():
            return "(no log)"
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LOG_LINES:])


@contextmanager
def using_server(folder: Path, idle_s: float = IDLE_S) -> Iterator[S3Server]:
    """Provide the server for the duration of the block, shared with other processes.

    It keeps running afterwards for the next command, and is stopped when it has been idle.

    Args:
        folder: the server's folder.
        idle_s: seconds without a user after which it is stopped; the value of the first user counts.
    """
    server = SeaweedServer(folder)
    with server.in_use():
        yield server.start(idle_s)


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.new")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    unfinished.replace(file)
