"""The manifest: what is claimed of one day's backup, written only after the claim was checked."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals.verify_report import Expected, VerifyReport

#: Version of the manifest's own fields.
MANIFEST_FORMAT = 1
#: Version of the CSV's columns and encoding; also stored as object metadata.
CSV_FORMAT = 1


class StoredFile(BaseModel, frozen=True):
    """One version of one object."""

    key: str
    version_id: str
    bytes: int
    sha256: str


class SourceFingerprint(BaseModel, frozen=True):
    """Where the rows came from: the table, without credentials, and the snapshot as the database names it."""

    engine: str
    location: str
    table: str
    hash_column: str
    optional_columns: list[str]
    snapshot_id: str


class VerificationResult(BaseModel, frozen=True):
    """How the stored object was checked before the manifest was written."""

    verified_at: datetime
    records: int
    rows_hashed: int
    integer_form_rows: int


class Manifest(BaseModel, frozen=True):
    """One day's backup. Times are UTC, sizes bytes, hashes lower-case hex SHA-256."""

    manifest_format: int = MANIFEST_FORMAT
    csv_format: int = CSV_FORMAT
    code_version: str
    day: date
    bucket: str
    backup: StoredFile
    records: int
    columns: list[str]
    integer_form_records: int
    quarantined: int
    quarantine: StoredFile | None
    source: SourceFingerprint
    run_id: str
    started_at: datetime
    finished_at: datetime
    verification: VerificationResult
    #: ``fingerprint`` of the day in the source when it was read; None in manifests of earlier releases.
    fingerprint: str | None = None
    #: The version that this one is a copy of; None for a backup of the database.
    copied_from: str | None = None
    #: Root of the row tree, see ``signals.merkle``; None in manifests of earlier releases.
    merkle_root: str | None = None
    #: Number in the manifest log, and SHA-256 of the entry before; None in manifests of earlier releases.
    number: int | None = None
    previous: str | None = None

    @property
    def expected(self) -> Expected:
        """What a file must be to be this backup."""
        return Expected(records=self.records, bytes=self.backup.bytes, sha256=self.backup.sha256)

    def to_bytes(self) -> bytes:
        """The manifest as it is stored: indented JSON, for people to read."""
        return (self.model_dump_json(indent=2) + "\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, body: bytes, name: str) -> Manifest:
        """Read a stored manifest.

        Raises:
            VerificationError: the object is not a manifest.
        """
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise VerificationError(
                f"{name} is not a manifest: {error.error_count()} findings, first: {error.errors()[0]['msg']}",
                remedy="Look at its older versions; back the day up again",
            ) from error


def verification_result(report: VerifyReport, verified_at: datetime) -> VerificationResult:
    """The part of a passed verification that a manifest keeps."""
    return VerificationResult(
        verified_at=verified_at,
        records=report.records or 0,
        rows_hashed=report.rows_hashed,
        integer_form_rows=report.integer_form_rows,
    )
