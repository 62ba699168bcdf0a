"""The storage quota: how much of it is used, and when it will be full."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from signal_backups.core.s3.prices import BYTES_PER_GB

#: From this share of the quota on there is a warning.
WARN_SHARE = 0.8


class QuotaState(StrEnum):
    """How much of the quota is used."""

    OK = "ok"
    WARN = "warn"
    OVER = "over"


class Quota(BaseModel):
    """The quota and what is used of it; ``days_left`` at the measured growth, None when it is not measured."""

    model_config = ConfigDict(frozen=True)

    state: QuotaState
    quota_gb: float
    used_gb: float
    share: float
    warn_share: float
    days_left: int | None


def quota_of(
    stored_bytes: int, quota_gb: float, *, daily_bytes: int | None = None, warn_share: float = WARN_SHARE
) -> Quota:
    """Compare what is stored, noncurrent versions included, with a quota in GB of 2^30 bytes."""
    room = quota_gb * BYTES_PER_GB - stored_bytes
    share = stored_bytes / (quota_gb * BYTES_PER_GB)
    return Quota(
        state=_state(share, warn_share),
        quota_gb=quota_gb,
        used_gb=stored_bytes / BYTES_PER_GB,
        share=share,
        warn_share=warn_share,
        days_left=max(0, int(room // daily_bytes)) if daily_bytes else None,
    )


def _state(share: float, warn_share: float) -> QuotaState:
    if share > 1:
        return QuotaState.OVER
    return QuotaState.WARN if share >= warn_share else QuotaState.OK
