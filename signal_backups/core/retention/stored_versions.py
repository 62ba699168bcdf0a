"""The stored versions of a range of days that legal holds and locks apply to."""

from __future__ import annotations

from datetime import date

from signal_backups.core.base.errors import NotFoundError, StoreError
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.vault.vault import BackupVault


def require_lock(vault: BackupVault) -> None:
    """Raise unless the bucket has Object Lock; without it some stores silently ignore locks.

    Raises:
        StoreError: the bucket has no Object Lock.
    """
    if not vault.store.configuration.is_lock_enabled():
        raise StoreError(
            f"bucket {vault.store.bucket} has no Object Lock",
            remedy="Switch it on for good with: signal-backups init --profile recommended --confirm. See first what "
            "that changes, with --dry-run in place of --confirm",
        )


def versions_by_day(vault: BackupVault, first: date, last: date) -> dict[date, list[ObjectVersion]]:
    """Every version (without delete markers) of the days' backups, manifests and quarantine, oldest UTC day first.

    Raises:
        NotFoundError: no version of any of the days is stored.
    """
    found: dict[date, list[ObjectVersion]] = {}
    for versions_of in (
        vault.backup_versions,
        vault.manifest_versions,
        vault.quarantine_versions,
        vault.replaced_versions,
    ):
        for slot, versions in versions_of(first, last).items():
            found.setdefault(slot.day, []).extend(each for each in versions if not each.is_delete_marker)
    found = {day: found[day] for day in sorted(found) if found[day]}
    if not found:
        raise NotFoundError(
            f"no backup of {first} to {last} is stored in {vault.store.uri(vault.layout.prefix)}",
            remedy="See: signal-backups list",
        )
    return found
