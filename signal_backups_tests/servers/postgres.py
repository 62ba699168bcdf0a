"""A throw-away PostgreSQL server for tests."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

from signal_backups.core.base.errors import SourceError
from signal_backups_tests.servers.postgres_binaries import postgres_programs, run_as, unprivileged_user

if TYPE_CHECKING:
    import pwd
    from collections.abc import Iterator

HOST = "127.0.0.1"
SUPERUSER = "postgres"
START_TIMEOUT_S = 60
# Nothing here needs to survive a power cut. No Unix socket: its path would have to be short.
OPTIONS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "timezone": "UTC",
}


@contextmanager
def running_postgres(folder: Path) -> Iterator[str]:
    """A fresh PostgreSQL server for the duration of the block; yields the URL of its superuser.

    ``TEST_DATABASE_URL`` names a server to use instead.

    Args:
        folder: where the cluster goes; as root it goes under /tmp instead, where an unprivileged user can reach it.

    Raises:
        SettingsError: this machine has no PostgreSQL, or no user to run it as.
        SourceError: the server did not start.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    user = unprivileged_user()
    workplace = _workplace(folder, user)
    try:
        with _cluster(postgres_programs(user, workplace), workplace, user) as url:
            yield url
    finally:
        shutil.rmtree(workplace)


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """An empty database of a server for the duration of the block; yields its URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _workplace(folder: Path, user: pwd.struct_passwd | None) -> Path:
    if user is None:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=folder, prefix="postgres-"))
    workplace = Path(tempfile.mkdtemp(dir="/tmp", prefix="postgres-"))
    workplace.chmod(0o755)
    os.chown(workplace, user.pw_uid, user.pw_gid)
    return workplace


@contextmanager
def _cluster(programs: Path, workplace: Path, user: pwd.struct_passwd | None) -> Iterator[str]:
    data, log, port, password = workplace / "data", workplace / "log", _free_port(), secrets.token_hex(16)
    _initialise(programs, data, password, user)
    _configure(data, port)
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
    _run(user, [*control, "-t", str(START_TIMEOUT_S), "-l", str(log), "start"], workplace)
    try:
        yield f"postgresql://{SUPERUSER}:{password}@{HOST}:{port}/postgres"
    finally:
        _run(user, [*control, "-m", "fast", "stop"], workplace)


def _initialise(programs: Path, data: Path, password: str, user: pwd.struct_passwd | None) -> None:
    password_file = data.with_name("password")
    password_file.touch(mode=0o600)
    password_file.write_text(password, encoding="ascii")
    if user is not None:
        os.chown(password_file, user.pw_uid, user.pw_gid)
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "-A", "password", "-N"]
    _run(user, [*initdb, f"--pwfile={password_file}", "-E", "UTF8", "--locale=C"], data.parent)


def _configure(data: Path, port: int) -> None:
    lines = [f"{name} = '{value}'" for name, value in {**OPTIONS, "port": port}.items()]
    with (data / "postgresql.conf").open("a", encoding="ascii") as configuration:
        configuration.write("\n".join(["", *lines, ""]))


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _run(user: pwd.struct_passwd | None, command: list[str], workplace: Path) -> None:
    try:
        run_as(user, command, cwd=workplace)
    except subprocess.CalledProcessError as error:
        log = workplace / "log"
        details = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        raise SourceError(
            f"{Path(command[0]).name} of the test database failed:\n{error.output}{details}",
            remedy="Set TEST_DATABASE_URL to use a server of your own",
        ) from error
