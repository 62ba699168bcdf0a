"""The manifest: what is claimed of one day's backup, written only after the claim was checked."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ValidationError

from signal_backups.core.base.errors import VerificationError
from signal_backups.core.signals.difference import Difference
from signal_backups.core.signals.extra_columns import ExtraColumn
from signal_backups.core.signals.fields import CSV_COLUMNS
from signal_backups.core.signals.verify_report import Expected, VerifyReport

#: Version of the manifest's own fields.
MANIFEST_FORMAT = 1
#: Version of the CSV's columns and encoding; also stored as object metadata.
CSV_FORMAT = 1
#: The same with extra columns behind the others, which the leaves of the row tree cover.
CSV_FORMAT_WITH_EXTRAS = 2


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
    #: Columns of the table that are no field: those that are kept, and those that are left out. Empty in manifests of
    #: earlier releases.
    extra_columns: list[ExtraColumn] = []
    unknown_columns: list[ExtraColumn] = []
    snapshot_id: str


class VerificationResult(BaseModel, frozen=True):
    """How the stored object was checked before the manifest was written."""

    verified_at: datetime
    records: int
    rows_hashed: int
    integer_form_rows: int


class SourceDifference(BaseModel, frozen=True):
    """Signals of the backup that the database has altered or no longer has; the backup keeps them as they were."""

    altered: Difference
    vanished: Difference

    def __str__(self) -> str:
        """In words, with the first ids."""
        found = (("altered", self.altered), ("vanished", self.vanished))
        return "; ".join(f"{each.count:,} {word} ({_named(each)})" for word, each in found if each.count)


class Replacement(BaseModel, frozen=True):
    """A backup that somebody replaced by the database as it was, although signals were altered or had vanished.

    Attributes:
        at: when (UTC).
        reason: why.
        by: the user and the machine.
        altered: number of altered signals; None when the replaced backup could not be read any more.
        removed: number of signals that the database no longer had; None as above.
        rows: the altered and removed signals as they were backed up; None when there are none to keep.
    """

    at: datetime
    reason: str
    by: str
    altered: int | None
    removed: int | None
    rows: StoredFile | None

    def __str__(self) -> str:
        """One line, for people."""
        counts = (
            f"{self.altered:,} altered, {self.removed:,} removed" if self.altered is not None else "signals unknown"
        )
        return f"replaced on {self.at:%Y-%m-%d}: {counts}, {self.reason}"


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
    #: Rows of the day in the source then, good and bad; None in manifests of earlier releases.
    source_rows: int | None = None
    #: The version that this one is a copy of; None for a backup of the database.
    copied_from: str | None = None
    #: Root of the row tree, see ``signals.merkle``; None in manifests of earlier releases.
    merkle_root: str | None = None
    #: What the database lacked when it was read last; None when it had every signal of the backup as it was.
    differences: SourceDifference | None = None
    #: Every replacement of the day's backup, oldest first.
    replacements: list[Replacement] = []
    #: Number in the manifest log, and SHA-256 of the entry before; None in manifests of earlier releases.
    number: int | None = None
    previous: str | None = None

    @property
    def extra_columns(self) -> tuple[str, ...]:
        """The extra columns of the CSV, which the row tree covers."""
        return tuple(self.columns[len(CSV_COLUMNS) :]) if self.csv_format >= CSV_FORMAT_WITH_EXTRAS else ()

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
                remedy="Back its day up again with: signal-backups backup DATE",
            ) from error


def _named(difference: Difference) -> str:
    more = difference.count > len(difference.signal_ids)
    return ", ".join(map(str, difference.signal_ids)) + (", ..." if more else "")


def verification_result(report: VerifyReport, verified_at: datetime) -> VerificationResult:
    """The part of a passed verification that a manifest keeps."""
    return VerificationResult(
        verified_at=verified_at,
        records=report.records or 0,
        rows_hashed=report.rows_hashed,
        integer_form_rows=report.integer_form_rows,
    )
