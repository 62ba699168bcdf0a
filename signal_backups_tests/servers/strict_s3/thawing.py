"""Archived objects: asking for a readable copy, and waiting for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from signal_backups_tests.servers.strict_s3.clock import http_date, round_up_to_midnight
from signal_backups_tests.servers.strict_s3.state import Account, S3Error, Thaw, Version, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long a thaw takes at most, of what S3 promises; from the fastest to the slowest.
_THAW_TIMES = {
    "GLACIER": {"Expedited": timedelta(minutes=5), "Standard": timedelta(hours=5), "Bulk": timedelta(hours=12)},
    "DEEP_ARCHIVE": {"Standard": timedelta(hours=12), "Bulk": timedelta(hours=48)},
}


def forbid_archived(version: Version, now: datetime) -> None:
    """Refuse to read what is archived and has no copy.

    Raises:
        S3Error: 403.
    """
    thawed = version.thaw is not None and version.thaw.ready <= now < version.thaw.expires
    if version.storage_class in _THAW_TIMES and not thawed:
        raise S3Error(403, "InvalidObjectState", "The operation is not valid for the object's storage class")


def restore_header(version: Version, now: datetime) -> str | None:
    """``x-amz-restore`` of a version: None before a thaw was asked for and after its copy has gone."""
    thaw = version.thaw
    if thaw is None or now >= thaw.expires:
        return None
    if now < thaw.ready:
        return 'ongoing-request="true"'
    return f'ongoing-request="false", expiry-date="{http_date(thaw.expires)}"'


def restore_object(
    account: Account, *, bucket: str, key: str, restore_request: Mapping[str, Any], version_id: str | None = None
) -> dict[str, Any]:
    """Ask for a copy, for one sooner, or for a copy that stays longer."""
    version, now = version_of(account.bucket(bucket), key, version_id), account.now
    days, tier = restore_request.get("Days"), restore_request.get("GlacierJobParameters", {}).get("Tier", "Standard")
    if set(restore_request) - {"Days", "GlacierJobParameters"}:
        raise S3Error(
            501, "NotImplemented", f"The in-memory S3 restores by Days and GlacierJobParameters only: {restore_request}"
        )
    times = _THAW_TIMES.get(version.storage_class)
    if times is None:
        raise S3Error(403, "InvalidObjectState", "Restore is not allowed for the object's current storage class")
    if days is None or days < 1:
        raise S3Error(400, "InvalidArgument", "Days must be a positive integer")
    if tier not in times:
        raise S3Error(400, "InvalidArgument", f"Retrieval option {tier} is not supported by this storage class")
    if (running := version.thaw) is not None and now < running.ready:
        if times[tier] >= times[running.tier]:
            raise S3Error(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
        version.thaw = Thaw(tier, min(running.ready, now + times[tier]), running.expires)
        return {"HTTPStatusCode": 202}
    was_there = version.thaw is not None and now < version.thaw.expires
    ready = now if was_there else now + times[tier]
    # Days count from the request (AWS's guide), but a copy that is gone before it is there is no copy.
    expires = max(round_up_to_midnight(now + timedelta(days=days)), round_up_to_midnight(ready + timedelta(seconds=1)))
    version.thaw = Thaw(tier, ready, expires)
    return {"HTTPStatusCode": 200 if was_there else 202}
