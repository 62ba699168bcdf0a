"""The storage quota: how much of it is used, and when it will be exceeded."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel

from signal_backups.core.s3.prices import BYTES_PER_GB

#: Used fraction of the quota from which on there is a warning.
WARN_SHARE = 0.8


class QuotaState(StrEnum):
    """How much of the quota is used."""

    OK = "ok"
    WARN = "warn"
    OVER = "over"


class Quota(BaseModel, frozen=True):
    """The quota and what is used of it.

    Attributes:
        state: whether there is a warning, or the quota is exceeded.
        quota_gb: quota in GB of 2^30 bytes.
        used_gb: stored GB of 2^30 bytes.
        share: used fraction of the quota.
        warn_share: fraction from which on there is a warning.
        days_left: days until the quota is exceeded at the measured growth; None if growth was not measured.
    """

    state: QuotaState
    quota_gb: float
    used_gb: float
    share: float
    warn_share: float
    days_left: int | None


def quota_of(stored_bytes: int, quota_gb: float, *, daily_bytes: int | None = None) -> Quota:
    """Compare the stored bytes, noncurrent versions included, with a quota in GB of 2^30 bytes."""
    room = quota_gb * BYTES_PER_GB - stored_bytes
    share = stored_bytes / (quota_gb * BYTES_PER_GB)
    return Quota(
        state=_state(share),
        quota_gb=quota_gb,
        used_gb=stored_bytes / BYTES_PER_GB,
        share=share,
        warn_share=WARN_SHARE,
        days_left=max(0, int(room // daily_bytes)) if daily_bytes else None,
    )


def _state(share: float) -> QuotaState:
    if share > 1:
        return QuotaState.OVER
    return QuotaState.WARN if share >= WARN_SHARE else QuotaState.OK
