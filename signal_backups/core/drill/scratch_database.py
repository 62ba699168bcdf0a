"""A temporary database for a drill, with the same engine as the source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import adbc_driver_postgresql.dbapi as adbc
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import TargetError
from signal_backups.core.base.local_files import scratch_folder
from signal_backups.core.source import database_address
from signal_backups.core.source.adbc import execute, fetch_all
from signal_backups.core.source.base import quoted
from signal_backups.core.source.postgres import is_transient, with_connect_timeout

#: Names of scratch databases start with this and the time of their creation, so that orphans can be found.
SCRATCH_PREFIX = "signal_backups_drill_"
#: A drill removes scratch databases of crashed drills that are older than this.
ORPHAN_AGE_S = 24 * 3600


@contextmanager
def scratch_database(source_url: str, folder: Path, now: datetime) -> Iterator[str]:
    """Create an empty database for the duration of the block: a file in ``folder``, or one on the source's server.

    Yields the URL of the database.

    Raises:
        TargetError: the server cannot be reached, or its user may not create databases.
    """
    address = database_address(source_url)
    if isinstance(address, Path):
        with scratch_folder(folder, "drill-") as temporary:
            yield f"sqlite:///{temporary.absolute() / 'drill.db'}"
        return
    name = f"{SCRATCH_PREFIX}{now:%Y%m%d%H%M%S}_{uuid4().hex[:8]}"
    with _server(address) as connection:
        for orphan in _orphans(connection, now):
            execute(connection, f"DROP DATABASE IF EXISTS {quoted(orphan)} WITH (FORCE)")
        execute(connection, f"CREATE DATABASE {quoted(name)}")
    try:
        yield urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
    finally:
        with _server(address) as connection:
            execute(connection, f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


@contextmanager
def _server(address: str) -> Iterator[dbapi.Connection]:
    try:
        with closing(adbc.connect(with_connect_timeout(address), autocommit=True)) as connection:
            yield connection
    except dbapi.Error as error:
        raise TargetError(
            f"cannot create a scratch database: {str(error).splitlines()[0]}",
            remedy="A drill creates a database on the source's server and drops it: grant the user of "
            "SIGNALS_DATABASE_URL CREATEDB, or name another server in SIGNAL_BACKUPS_DRILL_DATABASE_URL",
            transient=is_transient(error),
        ) from error


def _orphans(connection: dbapi.Connection, now: datetime) -> list[str]:
    oldest = f"{SCRATCH_PREFIX}{datetime.fromtimestamp(now.timestamp() - ORPHAN_AGE_S, tz=now.tzinfo):%Y%m%d%H%M%S}"
    names = [str(name) for (name,) in fetch_all(connection, "SELECT datname::text FROM pg_database")]
    return [name for name in names if name.startswith(SCRATCH_PREFIX) and name < oldest]
