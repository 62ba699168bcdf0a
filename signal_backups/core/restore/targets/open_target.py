"""Opens the target for a URL or path, and refuses one that is the source."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
from adbc_driver_manager import dbapi

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.restore.targets.contract import RestoreTarget
from signal_backups.core.restore.targets.csv_folder import CsvFolderTarget
from signal_backups.core.restore.targets.database import DatabaseTarget
from signal_backups.core.restore.targets.postgres import PostgresTarget
from signal_backups.core.restore.targets.sqlite import SqliteTarget
from signal_backups.core.source import database_address
from signal_backups.core.source.adbc import fetch_all
from signal_backups.core.source.postgres import with_connect_timeout

OPTION = "--target"

#: Identifies a database of a running server, by whatever name or port it is reached.
_SERVER_IDENTITY = "SELECT pg_postmaster_start_time()::text || ' ' || current_database()"


def open_target(target: str, table: str, *, dry_run: bool = False) -> RestoreTarget:
    """Return the target for a database URL or a folder, without connecting; in a dry run it keeps nothing.

    Raises:
        SettingsError: it is neither a folder nor a known kind of URL.
    """
    if "://" not in target:
        folder = Path(target)
        if folder.is_file():
            raise SettingsError(
                f"{OPTION} {target} is a file", remedy="Name a folder for CSV files, or sqlite:///path for a database"
            )
        return CsvFolderTarget(folder, dry_run=dry_run)
    return open_database(target, table, dry_run=dry_run)


def open_database(url: str, table: str, *, dry_run: bool = False, owns_table: bool = False) -> DatabaseTarget:
    """Return the target for a database URL, without connecting; ``owns_table``: nobody else uses its table.

    Raises:
        SettingsError: it is not a known kind of URL.
    """
    address = database_address(url, OPTION)
    engine = SqliteTarget(address, table) if isinstance(address, Path) else PostgresTarget(address, table)
    return DatabaseTarget(engine, dry_run=dry_run, owns_table=owns_table)


def refuse_source(target: str, source_url: str) -> None:
    """Refuse a target that is the database the backups are made from.

    Raises:
        SettingsError: it is that database.
    """
    if "://" not in target:
        return
    wanted, live = database_address(target, OPTION), database_address(source_url)
    if isinstance(wanted, Path) and isinstance(live, Path):
        is_source = _is_same_file(wanted, live)
    elif isinstance(wanted, str) and isinstance(live, str):
        is_source = wanted == live or _server_identity(wanted) == (_server_identity(live) or "unreachable")
    else:
        is_source = False
    if is_source:
        raise SettingsError(
            "the target is the live source, the very database that is backed up",
            remedy="Restore into another database and compare; to write into the source anyway, add --into-source",
        )


def _is_same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.absolute().resolve() == other.absolute().resolve()


def _server_identity(url: str) -> str | None:
    try:
        with closing(adbc.connect(with_connect_timeout(url))) as connection:
            ((identity,),) = fetch_all(connection, _SERVER_IDENTITY)
            return str(identity)
    except dbapi.Error:
        return None  # an unreachable source is not the target; an unreachable target is reported by the restore
