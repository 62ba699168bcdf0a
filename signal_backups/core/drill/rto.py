"""The RTO forecast: how long restoring everything would take, from what a drill measured.

It is the larger of two straight lines, by days and by bytes, so that many small days and few large ones are both
covered; archived classes add the longest wait of a standard thaw, during which nothing else has to wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.s3.thaw import THAW_TERMS, Tier, needs_thaw
from signal_backups.core.vault.vault import StoredBackup

#: From this share of the objective on, a drill warns.
WARN_SHARE = 0.8


class RtoForecast(BaseModel):
    """Seconds to restore everything, and of what it is made.

    Attributes:
        days: days in retention.
        bytes: their size.
        restore_seconds: download, verification, import and verification after it, of all of them.
        thaw_seconds: how long the slowest storage class takes to thaw.
    """

    model_config = ConfigDict(frozen=True)

    days: int
    bytes: int
    restore_seconds: float
    thaw_seconds: float

    @property
    def seconds(self) -> float:
        """The forecast."""
        return self.restore_seconds + self.thaw_seconds

    @property
    def share(self) -> float:
        """The forecast as a share of the objective."""
        return self.seconds / RTO_OBJECTIVE_S


def forecast_rto(
    backups: Sequence[StoredBackup], drilled_days: int, drilled_bytes: int, drilled_seconds: float
) -> RtoForecast:
    """Extrapolate from what was drilled to all current backups."""
    days, size = len(backups), sum(backup.current.size for backup in backups)
    by_day = drilled_seconds / drilled_days * days if drilled_days else 0.0
    by_byte = drilled_seconds / drilled_bytes * size if drilled_bytes else 0.0
    archived = {backup.current.storage_class for backup in backups if needs_thaw(backup.current.storage_class)}
    waits = [THAW_TERMS[name, Tier.STANDARD].longest_wait.total_seconds() for name in archived]
    return RtoForecast(
        days=days, bytes=size, restore_seconds=max(by_day, by_byte), thaw_seconds=max(waits, default=0.0)
    )
