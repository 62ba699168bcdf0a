"""The state of all backups in one look, rebuilt from S3 alone.

What belongs here: which days are missing, unverified, quarantined, and how old the last backup is.
"""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from signal_backups.core.days import Clock, days_between, last_complete_day, utc_now
from signal_backups.core.vault import BackupVault


class BackupStatus(BaseModel):
    """The state; times UTC, ages seconds."""

    model_config = ConfigDict(frozen=True)

    first_day: date
    last_day: date
    days_backed_up: int
    records: int
    bytes: int
    last_backup_day: date | None
    last_backup_at: datetime | None
    last_backup_age_seconds: float | None
    missing_days: list[date]
    unverified_days: list[date]
    quarantined_rows: dict[date, int]

    @property
    def healthy(self) -> bool:
        """Whether nothing asks for attention."""
        return not (self.missing_days or self.unverified_days or self.quarantined_rows)


def backup_status(vault: BackupVault, start: date | None, clock: Clock = utc_now) -> BackupStatus:
    """Look at every day from ``start`` (None: the oldest day that has a backup) to the last complete one."""
    now, last = clock(), last_complete_day(clock)
    backups = vault.backups_with_manifests(start or date.min, last)
    if start is None:
        start = backups[0].slot.day if backups else last
    present = {backup.slot.day for backup in backups}
    manifests = [backup.manifest for backup in backups if backup.manifest is not None]
    vouched = {backup.slot.day for backup in backups if backup.is_vouched}
    newest = max(manifests, key=lambda manifest: manifest.day, default=None)
    return BackupStatus(
        first_day=start,
        last_day=last,
        days_backed_up=len(present),
        records=sum(manifest.records for manifest in manifests),
        bytes=sum(backup.current.size for backup in backups),
        last_backup_day=newest.day if newest else None,
        last_backup_at=newest.finished_at if newest else None,
        last_backup_age_seconds=(now - newest.finished_at).total_seconds() if newest else None,
        missing_days=[day for day in days_between(start, last) if day not in present],
        unverified_days=sorted(present - vouched),
        quarantined_rows={manifest.day: manifest.quarantined for manifest in manifests if manifest.quarantined},
    )
