"""S3 Object Lock: what keeps one version from being deleted, and how new versions are locked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signal_backups.core.base.days import next_midnight, years_after


class LockMode(StrEnum):
    """How strong a lock is: a special permission lifts GOVERNANCE, nobody can lift COMPLIANCE."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"

    def is_met_by(self, mode: str | None) -> bool:
        """Whether a lock of that mode is at least as strong."""
        return mode in (self, LockMode.COMPLIANCE)


@dataclass(frozen=True)
class LockPolicy:
    """How every new version is locked: a mode, and whole calendar years from when it is stored."""

    mode: LockMode
    years: int

    def retain_until(self, stored_at: datetime) -> datetime:
        """The first UTC midnight at which the years are over."""
        return next_midnight(years_after(stored_at, self.years))


@dataclass(frozen=True)
class ObjectLock:
    """S3's lock on one version: mode and end (UTC) of its retention, and whether a legal hold is on it."""

    mode: str | None
    retain_until: datetime | None
    legal_hold: bool

    def holds_until(self, instant: datetime) -> bool:
        """Whether its retention lasts at least until an instant; a legal hold, which has no end, does not count."""
        return self.retain_until is not None and self.retain_until >= instant

    def __str__(self) -> str:
        parts = [f"{self.mode.lower()} until {self.retain_until:%Y-%m-%d}"] if self.mode and self.retain_until else []
        return ", ".join([*parts, "legal hold"] if self.legal_hold else parts) or "none"
