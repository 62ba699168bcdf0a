"""The retention audit of seven years: tiny days on a real S3 server, each with the manifest that vouches for it.

Prints seconds and requests of every round, and of drawing the heat map.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from benchmarks.backfill_year import running_server
from benchmarks.measuring import print_load, print_table, work_folder
from signal_backups.core.base.days import BACKUP_TIME, days_between
from signal_backups.core.base.digest import digest
from signal_backups.core.retention.load_profile import load_profile
from signal_backups.core.retention_audit.heat_map import heat_map
from signal_backups.core.retention_audit.report import RetentionAudit
from signal_backups.core.retention_audit.run import audit_retention
from signal_backups.core.s3.client import s3_client
from signal_backups.core.s3.connection import S3Connection
from signal_backups.core.s3.store import S3ObjectStore
from signal_backups.core.vault.layout import BackupSlot, Layout
from signal_backups.core.vault.manifest import Manifest, SourceFingerprint, StoredFile, VerificationResult
from signal_backups.core.vault.vault import BackupVault

FIRST_DAY = date(2019, 1, 1)
_WRITERS = 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2555)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the server keeps its data; by default it is thrown away")
    arguments = parser.parse_args()
    last = FIRST_DAY + timedelta(days=arguments.days - 1)
    now = datetime.combine(last + timedelta(days=1), BACKUP_TIME, tzinfo=UTC) + timedelta(hours=2)
    with work_folder(arguments.folder) as folder, running_server(folder / "s3") as server:
        connection = S3Connection(server.endpoint_url, server.region, server.access_key, server.secret_key)
        vault = BackupVault(S3ObjectStore(s3_client(connection), "audit"), Layout())
        vault.store.configuration.create()
        vault.store.configuration.enable_versioning()
        started = time.perf_counter()
        store_days(vault, list(days_between(FIRST_DAY, last)), folder)
        print(f"stored {arguments.days} days in {time.perf_counter() - started:.1f} s", flush=True)
        rows = [row(round_number, vault, now) for round_number in range(1, arguments.rounds + 1)]
    print_table(["round", "days", "errors", "requests", "by operation", "seconds", "heat map seconds"], rows)


def store_days(vault: BackupVault, days: Sequence[date], folder: Path) -> None:
    """Store an object and a manifest for each day, as a backup does, without a database."""

    def store(day: date) -> None:
        body = f"{day}\n".encode("ascii")
        file = folder / f"{day}.csv"
        file.write_bytes(body)
        key = vault.layout.backup_key(BackupSlot(day))
        metadata = {"record_count": "1"}
        version_id = vault.store.put_file(key, file, metadata, "text/csv", digest=digest(file), replaces=None)
        file.unlink()
        manifest = manifest_of(
            vault.store.bucket,
            day,
            StoredFile(key=key, version_id=version_id, bytes=len(body), sha256=sha256(body).hexdigest()),
        )
        vault.store.put_bytes(vault.layout.manifest_key(BackupSlot(day)), manifest.to_bytes(), "application/json")

    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(store, days))


def manifest_of(bucket: str, day: date, stored: StoredFile) -> Manifest:
    """A manifest of one record."""
    at = datetime.combine(day + timedelta(days=1), BACKUP_TIME, tzinfo=UTC)
    return Manifest(
        code_version="benchmark",
        day=day,
        bucket=bucket,
        backup=stored,
        records=1,
        columns=["signal_id"],
        integer_form_records=0,
        quarantined=0,
        quarantine=None,
        source=SourceFingerprint(
            engine="none", location="none", table="signals", hash_column="sha256", optional_columns=[], snapshot_id="1"
        ),
        run_id="benchmark",
        started_at=at,
        finished_at=at,
        verification=VerificationResult(verified_at=at, records=1, rows_hashed=1, integer_form_rows=0),
    )


def row(round_number: int, vault: BackupVault, now: datetime) -> list[str]:
    """Audit, draw, and say what it took."""
    print_load()
    audit: RetentionAudit = audit_retention(vault, load_profile("documented"), start=FIRST_DAY, clock=lambda: now)
    started = time.perf_counter()
    heat_map(audit)
    drawing = time.perf_counter() - started
    by_operation = ", ".join(f"{count} {operation}" for operation, count in audit.requests.items())
    total = sum(audit.requests.values())
    figures = [str(round_number), str(len(audit.days)), str(audit.errors), str(total), by_operation]
    return [*figures, f"{audit.seconds:.1f}", f"{drawing:.1f}"]


if __name__ == "__main__":
    main()
