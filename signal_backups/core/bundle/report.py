"""The outcome of a check of a bundle, as data."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel


class BundleFinding(BaseModel, frozen=True):
    """Something that is wrong with a file of a bundle."""

    file: str
    what: str


class StampFound(BaseModel, frozen=True):
    """A time stamp: its file, who gave it, and for when (UTC); ``at`` is None when it was not checked."""

    file: str
    authority: str
    at: datetime | None


class BundleReport(BaseModel, frozen=True):
    """The outcome of a check.

    Attributes:
        findings: what is wrong; empty exactly when the bundle passed.
        notes: what a reader should know: days without a backup, manifests that no event speaks of, what is not checked.
        statements: SHA-256 of each tree head in the bundle, and the file that it is in.
        stamps: the time stamps.
        bucket: whose backups they are; like the range, None when ``bundle.json`` cannot be read.
        first: first day (UTC).
        last: last day, included.
        days: days of the range with a backup that a manifest of the log vouches for.
        records: records of those.
        manifests: entries of the manifest log.
        events: events of the audit trail.
    """

    findings: list[BundleFinding]
    notes: list[str]
    statements: dict[str, str]
    stamps: list[StampFound]
    bucket: str | None
    first: date | None
    last: date | None
    days: int
    records: int
    manifests: int
    events: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings
