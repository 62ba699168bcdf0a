"""The RTO forecast: how long restoring everything would take, extrapolated from a drill.

It is extrapolated by number of days and by bytes, and the larger result counts, so that both many small days and few
large ones are covered. Archived storage classes add the longest wait of a standard thaw.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from signal_backups.core.base.objectives import RTO_OBJECTIVE_S
from signal_backups.core.s3.thaw import THAW_TERMS, Tier, needs_thaw
from signal_backups.core.vault.objects import StoredBackup

#: A drill warns if the forecast reaches this share of the objective.
WARN_SHARE = 0.8


class RtoForecast(BaseModel, frozen=True):
    """How long restoring everything would take.

    Attributes:
        days: number of backed-up days.
        bytes: their size.
        restore_seconds: time to download, verify, import and verify all of them again.
        thaw_seconds: time that the slowest storage class takes to thaw.
    """

    days: int
    bytes: int
    restore_seconds: float
    thaw_seconds: float

    @property
    def seconds(self) -> float:
        """The forecast in seconds."""
        return self.restore_seconds + self.thaw_seconds

    @property
    def share(self) -> float:
        """The forecast as a share of the objective."""
        return self.seconds / RTO_OBJECTIVE_S


def forecast_rto(
    backups: Sequence[StoredBackup], drilled_days: int, drilled_bytes: int, drilled_seconds: float
) -> RtoForecast:
    """Extrapolate the measurements of a drill to all current backups."""
    days, size = len(backups), sum(backup.current.size for backup in backups)
    by_day = drilled_seconds / drilled_days * days if drilled_days else 0.0
    by_byte = drilled_seconds / drilled_bytes * size if drilled_bytes else 0.0
    archived = {backup.current.storage_class for backup in backups if needs_thaw(backup.current.storage_class)}
    waits = [THAW_TERMS[name, Tier.STANDARD].longest_wait.total_seconds() for name in archived]
    return RtoForecast(
        days=days, bytes=size, restore_seconds=max(by_day, by_byte), thaw_seconds=max(waits, default=0.0)
    )
