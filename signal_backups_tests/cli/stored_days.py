"""Stored days for the tests of restores: made with the domain's code, which is much faster than a Dagster run each."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from botocore.exceptions import ClientError

from signal_backups.core.backup.run import BackupRun
from signal_backups.core.backup.store_backup import store_backup
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import write_manifest
from signal_backups.embedded.seaweedfs import S3Server
from signal_backups_tests.cli.terminal import Terminal
from signal_backups_tests.core.retention_audit.audit_samples import vouch_without_object
from signal_backups_tests.samples.days import extracted
from signal_backups_tests.samples.signals import Row, signal
from signal_backups_tests.samples.tables import OPTIONAL_TYPES, SQLITE_TYPES, sqlite_table
from signal_backups_tests.servers.s3 import client_for, create_versioned_bucket, remove_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

#: The first of the stored days; long ago, so that every day has ended whatever the clock says.
FIRST = date(2024, 3, 1)

TYPES = SQLITE_TYPES | OPTIONAL_TYPES
Held = list[tuple[object, ...]]


def day_at(number: int) -> date:
    """The stored day of that number, from 0."""
    return FIRST + timedelta(days=number)


def rows_of(day: date, count: int, **changes: object) -> list[Row]:
    """Good signals of a day; ids are unique over all days."""
    own = {"symbol": "EURUSD", **changes}
    return [
        signal(
            number,
            (),
            signal_id=f"{day:%Y%m%d}-{number:05}",
            timestamp=f"{day}T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            **own,
        )
        for number in range(1, count + 1)
    ]


def as_held(rows: Sequence[Row]) -> Held:
    """Rows as a target should hold them."""
    return sorted(
        tuple(row["verification_hash"] if name == "sha256" else row.get(name) for name in TYPES) for row in rows
    )


def held_in_sqlite(path: Path, table: str = "signals", hash_column: str = "sha256") -> Held:
    """All rows of a table; none when it is not there."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM pragma_table_info(?)", [table]).fetchall():
            return []
        columns = ", ".join(TYPES).replace("sha256", hash_column)
        return connection.execute(f'SELECT {columns} FROM "{table}" ORDER BY signal_id').fetchall()


def held_in_postgres(url: str, table: str = "signals") -> Held:
    """All rows of a table; none when it is not there."""
    with psycopg.connect(url) as connection:
        if connection.execute("SELECT to_regclass(%s)", [table]).fetchone() == (None,):
            return []
        return connection.execute(f'SELECT {", ".join(TYPES)} FROM {table} ORDER BY signal_id COLLATE "C"').fetchall()


def held_in(url: str) -> Held:
    """All rows of the table ``signals`` of a target."""
    return held_in_sqlite(Path(url.removeprefix("sqlite:///"))) if url.startswith("sqlite") else held_in_postgres(url)


def days_held(held: Held) -> dict[str, int]:
    """Day, as it stands in the ids, and how many signals of it."""
    counted: dict[str, int] = {}
    for row in held:
        day = str(row[0])[:8]
        counted[day] = counted.get(day, 0) + 1
    return counted


@dataclass(frozen=True)
class StoredDays:
    """A bucket of backups, and a folder for what is needed on the way."""

    folder: Path
    server: S3Server
    vault: BackupVault
    client: S3Client

    @property
    def bucket(self) -> str:
        """Its name."""
        return self.vault.store.bucket

    def store(
        self, day: date, rows: Sequence[Row], types: Mapping[str, str] = TYPES, accept: str | None = None
    ) -> Manifest:
        """Back a day up that has these rows."""
        source = sqlite_table(self.folder / f"{uuid.uuid4().hex}.db", rows, types)
        return store_backup(
            self.vault, extracted(source, self.folder, day).folder, BackupRun("tests", accept_changes=accept)
        ).manifest

    def key(self, day: date) -> str:
        """Key of a day's backup."""
        return self.vault.layout.backup_key(BackupSlot(day))

    def manifest_key(self, day: date) -> str:
        """Key of a day's manifest."""
        return self.vault.layout.manifest_key(BackupSlot(day))

    def body(self, day: date) -> bytes:
        """The current bytes of a day's backup."""
        return self.client.get_object(Bucket=self.bucket, Key=self.key(day))["Body"].read()

    def put(self, key: str, body: bytes) -> str:
        """Store bytes past every rule, and return their version id."""
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]

    def claim(self, manifest: Manifest, **changes: Any) -> None:
        """Let a manifest of the log make other claims, on its backup or its own."""
        of_backup = {name: value for name, value in changes.items() if name in ("version_id", "bytes", "sha256", "key")}
        own = {name: value for name, value in changes.items() if name not in of_backup}
        changed = manifest.model_copy(update={"backup": manifest.backup.model_copy(update=of_backup), **own})
        vouch_without_object(self.vault, BackupSlot(manifest.day), changed)

    @contextmanager
    def damaged(self, manifest: Manifest, body: bytes) -> Iterator[None]:
        """Other bytes are current, and the manifest takes them for the ones it vouched for; for the block only."""
        version_id = self.put(manifest.backup.key, body)
        self.claim(manifest, version_id=version_id)
        yield
        self.client.delete_object(Bucket=self.bucket, Key=manifest.backup.key, VersionId=version_id)
        # The log cannot forget the claim, so the good manifest has to be its newest again.
        write_manifest(self.vault, BackupSlot(manifest.day), manifest)

    def remove(self, key: str) -> None:
        """Remove every version of an object for good."""
        for version in self.vault.store.list_versions(key):
            self.client.delete_object(Bucket=self.bucket, Key=key, VersionId=version.version_id)

    def delete(self, key: str) -> str:
        """Delete an object as a person would, and return the id of the delete marker."""
        return self.client.delete_object(Bucket=self.bucket, Key=key)["VersionId"]

    def terminal(self, folder: Path, **settings: str) -> Terminal:
        """A terminal with a home of its own; its source is an SQLite file that need not be there."""
        return Terminal(
            folder,
            {
                "SIGNALS_DATABASE_URL": f"sqlite:///{folder / 'source.db'}",
                "SIGNAL_BACKUPS_HOME": str(folder / "home"),
                "BACKUP_BUCKET_NAME": self.bucket,
                "AWS_ENDPOINT_URL_S3": self.server.endpoint_url,
                "AWS_ACCESS_KEY_ID": self.server.access_key,
                "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
                "AWS_DEFAULT_REGION": self.server.region,
                **settings,
            },
        )


@contextmanager
def stored_days(folder: Path, server: S3Server) -> Iterator[StoredDays]:
    """A fresh bucket for the duration of the block."""
    client, bucket = client_for(server), f"test-{uuid.uuid4().hex}"
    create_versioned_bucket(client, bucket)
    connection = S3Connection(
        endpoint_url=server.endpoint_url,
        region=server.region,
        access_key_id=server.access_key,
        secret_access_key=server.secret_key,
    )
    vault = BackupVault(S3ObjectStore(s3_client(connection), bucket), Layout())
    yield StoredDays(folder, server, vault, client)
    with suppress(ClientError):
        remove_bucket(client, bucket)
