"""Days for the tests of the retention audit: an object and its manifest, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from signal_backups.core.base.days import BACKUP_TIME, ONE_DAY
from signal_backups.core.base.digest import digest
from signal_backups.core.ledger.chained_log import Link
from signal_backups.core.ledger.event import Action
from signal_backups.core.retention_audit.report import DayFinding, ProblemCode, RetentionAudit
from signal_backups.core.s3.store import JSON_TYPE
from signal_backups.core.vault.layout import BackupSlot
from signal_backups.core.vault.manifest import Manifest, SourceFingerprint, StoredFile, VerificationResult
from signal_backups.core.vault.vault import BackupVault
from signal_backups.core.vault.writing import put_csv, vouching_details, write_manifest


def vouch_without_object(vault: BackupVault, slot: BackupSlot, manifest: Manifest) -> Manifest:
    """Write a manifest, as ``write_manifest`` does, for an object that is not there."""

    def body_of(link: Link) -> bytes:
        return manifest.model_copy(update={"number": link.number, "previous": link.previous}).to_bytes()

    body = vault.manifest_log.append(body_of).body
    vault.store.put_bytes(vault.layout.manifest_key(slot), body, JSON_TYPE)
    return Manifest.from_bytes(body, "manifest")


def manifest_of(stored: StoredFile, day: date, **changes: Any) -> Manifest:
    """The manifest of a stored file with one signal."""
    at = datetime.combine(day + ONE_DAY, BACKUP_TIME, tzinfo=UTC)
    known: dict[str, Any] = {
        "code_version": "tests",
        "day": day,
        "bucket": "bucket",
        "backup": stored,
        "records": 1,
        "columns": ["signal_id"],
        "integer_form_records": 0,
        "quarantined": 0,
        "quarantine": None,
        "source": SourceFingerprint(
            engine="none", location="none", table="signals", hash_column="sha256", optional_columns=[], snapshot_id="1"
        ),
        "run_id": "tests",
        "started_at": at,
        "finished_at": at,
        "verification": VerificationResult(verified_at=at, records=1, rows_hashed=1, integer_form_rows=0),
    }
    return Manifest(**known | changes)


def put_object(vault: BackupVault, day: date, folder: Path, size: int = 100) -> StoredFile:
    """Store the object of a day as a backup does, without a manifest."""
    file = folder / f"{day}.csv"
    file.write_bytes(f"{day}".encode("ascii").ljust(size, b"."))
    return put_csv(vault, vault.layout.backup_key(BackupSlot(day)), file, digest(file), 1, day)


def put_day(vault: BackupVault, day: date, folder: Path, size: int = 100, **claims: Any) -> StoredFile:
    """Store the object of a day and its manifest; ``claims`` replace fields of the manifest."""
    stored = put_object(vault, day, folder, size)
    manifest = write_manifest(vault, BackupSlot(day), manifest_of(stored, day, bucket=vault.store.bucket, **claims))
    vault.trail.record(Action.BACKUP, "stored", details=vouching_details(manifest))
    return stored


def finding(audit: RetentionAudit, day: date) -> DayFinding:
    """The result of one day of an audit."""
    (found,) = [each for each in audit.days if each.day == day]
    return found


def codes(audit: RetentionAudit) -> dict[date | None, list[ProblemCode]]:
    """The codes of the problems, by day; None for general problems."""
    found: dict[date | None, list[ProblemCode]] = {}
    for day, problem in audit.problems():
        found.setdefault(day, []).append(problem.code)
    return found


def fake_sha256(text: str) -> str:
    """The SHA-256 of a text."""
    return sha256(text.encode("ascii")).hexdigest()


def days_from(first: date, count: int) -> list[date]:
    """Consecutive days."""
    return [first + timedelta(days=number) for number in range(count)]
