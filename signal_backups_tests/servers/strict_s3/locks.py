"""Object Lock: what may be deleted, and which locks may be loosened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from signal_backups_tests.servers.strict_s3.state import Account, Bucket, Retention, S3Error, Version, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

#: AWS does not say how long a year of a default retention is; this is the shorter reading.
DAYS_PER_YEAR = 365
MAX_DAYS = 36_500


def lock_of_upload(
    bucket: Bucket, now: datetime, mode: str | None, until: datetime | None, *, held: bool, has_digest: bool
) -> Retention | None:
    """The retention of a version that is being uploaded: the one it was sent with, or the bucket's.

    Raises:
        S3Error: its bucket has no lock, it came without a digest, or the end is in the past.
    """
    asked = mode is not None or until is not None
    if asked or held:
        require_lock(bucket)
    if (asked or held or bucket.default_retention) and not has_digest:
        raise S3Error(
            400, "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required with Object Lock parameters"
        )
    if asked:
        return _retention(mode, until, now)
    if bucket.default_retention is None:
        return None
    default = bucket.default_retention
    days = default.get("Days") or default["Years"] * DAYS_PER_YEAR
    return Retention(default["Mode"], now + timedelta(days=days))


def forbid_loss(version: Version, now: datetime, *, bypass: bool) -> None:
    """Refuse to delete a version that is locked.

    Raises:
        S3Error: 403.
    """
    if version.legal_hold or (_binds(version.retention, now) and not _may_bypass(version.retention, bypass)):
        raise _protected()


def require_lock(bucket: Bucket) -> None:
    """Refuse what only a bucket with Object Lock can do.

    Raises:
        S3Error: 400.
    """
    if not bucket.lock_enabled:
        raise S3Error(400, "InvalidRequest", "Bucket is missing Object Lock Configuration")


def put_object_retention(
    account: Account,
    *,
    bucket: str,
    key: str,
    retention: Mapping[str, Any],
    version_id: str | None = None,
    bypass_governance_retention: bool = False,
) -> dict[str, Any]:
    """Lock a version, or change its lock."""
    version = _lockable(account, bucket, key, version_id)
    if not retention:
        raise S3Error(400, "MalformedXML", "A retention has a mode and a date")
    wanted = _retention(retention.get("Mode"), retention.get("RetainUntilDate"), account.now)
    if _loosens(wanted, version.retention) and not _may_bypass(version.retention, bypass_governance_retention):
        raise _protected()
    version.retention = wanted
    account.bucket(bucket).changed.add(key)
    return {}


def get_object_retention(account: Account, *, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any]:
    """The retention of a version."""
    retention = _lockable(account, bucket, key, version_id).retention
    if retention is None:
        raise _no_lock()
    return {"Retention": {"Mode": retention.mode, "RetainUntilDate": retention.until}}


def put_object_legal_hold(
    account: Account, *, bucket: str, key: str, legal_hold: Mapping[str, Any], version_id: str | None = None
) -> dict[str, Any]:
    """Put a legal hold on a version, or take it off."""
    version = _lockable(account, bucket, key, version_id)
    version.legal_hold = is_on(legal_hold.get("Status"))
    account.bucket(bucket).changed.add(key)
    return {}


def get_object_legal_hold(account: Account, *, bucket: str, key: str, version_id: str | None = None) -> dict[str, Any]:
    """Whether a legal hold is on a version."""
    held = _lockable(account, bucket, key, version_id).legal_hold
    if held is None:
        raise _no_lock()
    return {"LegalHold": {"Status": "ON" if held else "OFF"}}


def put_object_lock_configuration(
    account: Account, *, bucket: str, object_lock_configuration: Mapping[str, Any]
) -> dict[str, Any]:
    """Switch Object Lock on, which cannot be undone, and set or drop the default retention."""
    found = account.bucket(bucket)
    if object_lock_configuration.get("ObjectLockEnabled") != "Enabled":
        raise S3Error(400, "MalformedXML", "Object Lock cannot be switched off")
    if found.versioning != "Enabled":
        raise S3Error(409, "InvalidBucketState", "Versioning must be 'Enabled' to apply an Object Lock configuration")
    default = object_lock_configuration.get("Rule", {}).get("DefaultRetention")
    if default is not None:
        _check_default(default)
    found.lock_enabled, found.default_retention = True, default
    return {}


def get_object_lock_configuration(account: Account, *, bucket: str) -> dict[str, Any]:
    """Whether a bucket has Object Lock, and its default retention."""
    found = account.bucket(bucket)
    if not found.lock_enabled:
        raise S3Error(404, "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist")
    rule = {"Rule": {"DefaultRetention": found.default_retention}} if found.default_retention else {}
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **rule}}


def is_on(status: str | None) -> bool:
    """Read ``ON`` or ``OFF``.

    Raises:
        S3Error: it is neither.
    """
    if status not in {"ON", "OFF"}:
        raise S3Error(400, "MalformedXML", "A legal hold is ON or OFF")
    return status == "ON"


def _check_default(default: Mapping[str, Any]) -> None:
    if default.get("Mode") not in {"GOVERNANCE", "COMPLIANCE"} or ("Days" in default) == ("Years" in default):
        raise S3Error(400, "MalformedXML", "A default retention has a Mode, and Days or Years")
    if not 1 <= default.get("Days", default.get("Years", 0) * DAYS_PER_YEAR) <= MAX_DAYS:
        raise S3Error(
            400, "InvalidArgument", "Default retention period must be a positive integer value, not too large"
        )


def _retention(mode: str | None, until: datetime | None, now: datetime) -> Retention:
    if mode is None or until is None:
        raise S3Error(400, "InvalidArgument", "A lock mode and a retain-until date must both be supplied")
    if mode not in {"GOVERNANCE", "COMPLIANCE"}:
        raise S3Error(400, "InvalidArgument", "Unknown wormMode directive.")
    if until <= now:
        raise S3Error(400, "InvalidArgument", "The retain until date must be in the future!")
    return Retention(mode, until.astimezone(UTC))


def _lockable(account: Account, bucket: str, key: str, version_id: str | None) -> Version:
    found = account.bucket(bucket)
    require_lock(found)
    return version_of(found, key, version_id)


def _binds(retention: Retention | None, now: datetime) -> bool:
    return retention is not None and now < retention.until


def _loosens(wanted: Retention, present: Retention | None) -> bool:
    # The mode counts after the end too: no server lets it change without a bypass.
    return present is not None and (wanted.mode != present.mode or wanted.until < present.until)


def _may_bypass(retention: Retention | None, bypass: bool) -> bool:
    return bypass and retention is not None and retention.mode == "GOVERNANCE"


def _protected() -> S3Error:
    return S3Error(403, "AccessDenied", "Access Denied because object protected by object lock.")


def _no_lock() -> S3Error:
    return S3Error(
        404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration"
    )
