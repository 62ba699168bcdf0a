"""Requests thaws of archived versions, and records them in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from signal_backups.core.base.days import Clock
from signal_backups.core.ledger.batch_events import named, record_several
from signal_backups.core.ledger.event import Action, Result
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.thaw import ThawState, Tier, archived_versions, state_of
from signal_backups.core.vault.vault import BackupVault


def request_all(
    vault: BackupVault, versions: Iterable[ObjectVersion], tier: Tier, days: int, *, clock: Clock
) -> list[ObjectVersion]:
    """Request a thaw of every version that is still frozen, and return those versions; can be repeated.

    Raises:
        SettingsError: one of them cannot be thawed at that tier; nothing was requested.
        StoreError: the store refuses; the requests until then are recorded.
    """
    requested: list[ObjectVersion] = []
    try:
        for version in archived_versions(versions, tier):
            is_frozen = state_of(vault.store, version, clock()) is ThawState.FROZEN
            if is_frozen and vault.store.request_thaw(version.key, version.version_id, tier, days):
                requested.append(version)
    finally:
        if requested:
            _record(vault, requested, tier, days)
    return requested


def _record(vault: BackupVault, requested: Sequence[ObjectVersion], tier: Tier, days: int) -> None:
    record_several(
        vault.trail,
        Action.THAW,
        Result.REQUESTED,
        requested,
        objects_of=lambda part: [named(version) for version in part],
        details_of=lambda _: {"tier": tier, "days": days},
    )
