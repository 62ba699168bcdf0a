"""Whether the current backups are locked as the profile says: one HEAD each, and each again after a day.

A version's lock can change, by those who may lift it; that is why none is believed for longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from signal_backups.core.base.days import ONE_DAY, years_after
from signal_backups.core.base.parallel import in_parallel
from signal_backups.core.s3.object_lock import LockPolicy
from signal_backups.core.s3.object_version import ObjectVersion
from signal_backups.core.s3.store import S3ObjectStore


class LocksSeen:
    """The locks of a store's backups, as they were seen last."""

    def __init__(self, store: S3ObjectStore, policy: LockPolicy | None) -> None:
        self._store = store
        self._policy = policy
        self._locked: dict[ObjectVersion, bool] = {}
        self._since: datetime | None = None

    def unlocked(self, backups: Sequence[ObjectVersion], now: datetime) -> int | None:
        """How many of some backups are not locked as long and as strongly as the policy says; None without one."""
        policy = self._policy
        if policy is None:
            return None
        if self._since is None or now - self._since >= ONE_DAY:
            self._locked, self._since = {}, now
        new = [version for version in backups if version not in self._locked]
        seen = in_parallel(lambda version: self._is_locked(version, policy), new)
        self._locked.update(zip(new, seen, strict=True))
        return sum(not self._locked[version] for version in backups)

    def _is_locked(self, version: ObjectVersion, policy: LockPolicy) -> bool:
        head = self._store.head(version.key, version.version_id)
        # A lock that is not shown to us counts as none.
        if head is None or head.lock is None:
            return False
        end = years_after(head.last_modified, policy.years)
        return head.lock.holds_until(end) and policy.mode.is_met_by(head.lock.mode)
