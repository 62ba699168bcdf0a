"""A throw-away Ceph cluster of one node whose S3 gateway carries lifecycle rules out, a day of them in seconds."""

from __future__ import annotations

import os
import secrets
import subprocess
import uuid
from contextlib import ExitStack, closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from signal_backups.core.base.errors import SettingsError, StoreError
from signal_backups.embedded.ports import pick_ports
from signal_backups.embedded.processes import wait_until
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.programs import NEEDS
from signal_backups_tests.servers.ceph_configuration import GATEWAY, HOST, MONITOR, as_text, configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

REGION = "us-east-1"
# STANDARD is there from the start.
STORAGE_CLASSES = ("STANDARD_IA", "GLACIER", "GLACIER_IR")
#: A day of lifecycle rules. A shorter one would be over before the gateway has gone through a few buckets.
DAY_SECONDS = 2
COMMAND_TIMEOUT_S = 60
READY_TIMEOUT_S = 60.0
PROBE_TIMEOUT_S = 2.0
SHOWN_LOG_LINES = 8


class CephGateway:
    """A fresh cluster for the duration of a ``with`` block, which gets the address of its S3 gateway.

    Objects live in memory and end with the block.
    """

    def __init__(self, folder: Path, *, day_seconds: int) -> None:
        """Nothing is started yet.

        Args:
            folder: for the cluster's configuration and logs; made if missing, must be empty.
            day_seconds: how long a day lasts for lifecycle rules.
        """
        self._folder = folder.absolute()
        self._configuration_file = self._folder / "ceph.conf"
        self._day_seconds = day_seconds
        self._daemons = ExitStack()

    def __enter__(self) -> S3Server:
        """Boot the cluster.

        Raises:
            SettingsError: this machine has no Ceph.
            StoreError: the cluster did not come up; whatever of it ran has ended.
        """
        _require_programs()
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as started:
            server = self._boot(started)
            self._daemons = started.pop_all()
        return server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every part."""
        self._daemons.close()

    def _boot(self, started: ExitStack) -> S3Server:
        ports, cluster_id = pick_ports(), str(uuid.uuid4())
        sections = configuration(
            self._folder,
            cluster_id=cluster_id,
            monitor_port=ports.master,
            gateway_port=ports.s3,
            day_seconds=self._day_seconds,
        )
        self._configuration_file.write_text(as_text(sections), encoding="ascii")
        server = S3Server(f"http://{HOST}:{ports.s3}", secrets.token_hex(10).upper(), secrets.token_hex(20), REGION)
        self._start_monitor(started, cluster_id, ports.master)
        self._start_disk(started)
        self._set_up_gateway(server)
        gateway = self._start("radosgw", "-n", GATEWAY, started=started)
        answers = wait_until(lambda: gateway.poll() is not None or _answers(ports.s3), READY_TIMEOUT_S)
        if not answers or gateway.poll() is not None:
            # Its log may be empty, or end with a crash of a thread that did not notice.
            raise self._broken(f"radosgw does not answer (exit code {gateway.poll()})", self._folder / "radosgw.log")
        return server

    def _start_monitor(self, started: ExitStack, cluster_id: str, port: int) -> None:
        map_file = str(self._folder / "monmap")
        self._run("monmaptool", "--create", "--fsid", cluster_id, "--addv", MONITOR, f"v2:{HOST}:{port}", map_file)
        self._run("ceph-mon", "-i", MONITOR, "--mkfs", "--monmap", map_file)
        self._start("ceph-mon", "-i", MONITOR, started=started)

    def _start_disk(self, started: ExitStack) -> None:
        disk_id = str(uuid.uuid4())
        (self._folder / "osd").mkdir()
        self._run("ceph", "--connect-timeout", str(COMMAND_TIMEOUT_S), "osd", "new", disk_id, "0")
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", disk_id)
        self._start("ceph-osd", "-i", "0", started=started)

    def _set_up_gateway(self, server: S3Server) -> None:
        # The first of these waits until the disk has joined, and makes the zone which the others extend.
        keys = ["--access-key", server.access_key, "--secret-key", server.secret_key]
        self._administer("user", "create", "--uid", "tests", "--display-name", "tests", *keys)
        for name in STORAGE_CLASSES:
            place = ["--placement-id", "default-placement", "--storage-class", name]
            self._administer("zonegroup", "placement", "add", "--rgw-zonegroup", "default", *place)
            pool = f"default.rgw.{name.lower()}.data"
            self._administer("zone", "placement", "add", "--rgw-zone", "default", *place, "--data-pool", pool)

    def _administer(self, *arguments: str) -> None:
        self._run("radosgw-admin", "-n", GATEWAY, *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        """Run a command to its end; what it prints goes to a log."""
        log = self._folder / "commands.log"
        with log.open("ab") as output:
            try:
                subprocess.run(
                    self._command(program, *arguments),
                    cwd=self._folder,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    timeout=COMMAND_TIMEOUT_S,
                    check=True,
                )
            except subprocess.CalledProcessError as error:
                raise self._broken(f"{program} failed with exit code {error.returncode}", log) from error
            except subprocess.TimeoutExpired as error:
                raise self._broken(f"{program} has not ended in {COMMAND_TIMEOUT_S} s", log) from error

    def _start(self, program: str, *arguments: str, started: ExitStack) -> subprocess.Popen[bytes]:
        command = self._command(program, *arguments, "--foreground")
        log = self._folder / f"{program}.log"
        return started.enter_context(_running(command, folder=self._folder, environment=self._environment(), log=log))

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [program, "--conf", str(self._configuration_file), *arguments]

    def _environment(self) -> dict[str, str]:
        """Nothing of the caller's but the PATH: Ceph obeys CEPH_* variables, its Python programs PYTHON* ones."""
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), "LC_ALL": "C", "TZ": "UTC"}

    def _broken(self, what: str, log: Path) -> StoreError:
        end = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-SHOWN_LOG_LINES:])
        return StoreError(
            f"the test cluster did not come up: {what}; the end of {log.name}:\n{end}\n",
            remedy=f"Read the logs in {self._folder}",
        )


@contextmanager
def _running(
    command: list[str], *, folder: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a process for the duration of the block, out of reach of Ctrl-C in this terminal."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # Nothing of it is to be kept, and asked to end the gateway takes five seconds.
        process.kill()
        process.wait()


def _require_programs() -> None:
    need = NEEDS["ceph"]
    if need.missing:
        raise SettingsError(
            f"this machine has no Ceph for the tests: no {', '.join(need.missing)}", remedy=f"Run: {need.install}"
        )


def _answers(port: int) -> bool:
    try:
        with closing(HTTPConnection(HOST, port, timeout=PROBE_TIMEOUT_S)) as connection:
            connection.request("GET", "/")
            return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
