"""What legal holds and longer retentions share: which versions a range of days comes to, and going through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TypeVar

from signal_backups.core.base.errors import NotFoundError, StoreError
from signal_backups.core.s3.store import ObjectVersion
from signal_backups.core.vault.vault import BackupVault

_WORKERS = 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def require_lock(vault: BackupVault) -> None:
    """Refuse to lock where nothing would be locked: some stores take it without a word.

    Raises:
        StoreError: Object Lock is not on for the bucket.
    """
    if not vault.store.configuration.is_lock_enabled():
        raise StoreError(
            f"bucket {vault.store.bucket} has no Object Lock",
            remedy="Switch it on with: signal-backups init --profile recommended",
        )


def versions_by_day(vault: BackupVault, first: date, last: date) -> dict[date, list[ObjectVersion]]:
    """Every version of the days' backups, manifests and quarantine, no delete markers; by UTC day, oldest day first.

    Raises:
        NotFoundError: no version of any of the days is stored.
    """
    found: dict[date, list[ObjectVersion]] = {}
    for by_slot in (vault.backup_versions, vault.manifest_versions, vault.quarantine_versions):
        for slot, versions in by_slot(first, last).items():
            found.setdefault(slot.day, []).extend(each for each in versions if not each.is_delete_marker)
    found = {day: found[day] for day in sorted(found) if found[day]}
    if not found:
        raise NotFoundError(
            f"no backup of {first} to {last} is stored in {vault.store.uri(vault.layout.prefix)}",
            remedy="See: signal-backups list",
        )
    return found


def side_by_side(act: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Do something to many items, several at a time; results in order. After an error no more are begun."""
    with ThreadPoolExecutor(_WORKERS) as workers:
        return list(workers.map(act, items))
